"""Methods: the business calls that the sandbox answers, each from its books."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from connectors.alibaba.sandbox.affiliates import affiliate_orders
from connectors.alibaba.sandbox.details import info, receipt
from connectors.alibaba.sandbox.feeds import Feeds
from connectors.alibaba.sandbox.listings import Record
from connectors.alibaba.sandbox.members import members
from connectors.alibaba.sandbox.messages import confirm, consume, permit
from connectors.alibaba.sandbox.orders import orders
from connectors.alibaba.sandbox.parcels import sent_orders, tracking
from connectors.alibaba.sandbox.products import products

Method = Callable[[sqlite3.Connection, Mapping[str, str]], Record]
"""What stands below the root of the answer to a call's parameters. Raises `CallError`."""


def methods(feeds: Feeds) -> Mapping[str, Method]:
    """All methods by name; jobs are kept in `feeds`."""
    return {
        **METHODS,
        "aliexpress.solution.feed.submit": feeds.submit,
        "aliexpress.solution.feed.query": feeds.query,
        "aliexpress.solution.product.info.get": feeds.product,
    }


METHODS: Mapping[str, Method] = {
    "aliexpress.solution.order.get": orders,
    "aliexpress.solution.order.info.get": info,
    "aliexpress.solution.order.receiptinfo.get": receipt,
    "aliexpress.ds.order.tracking.get": tracking,
    "aliexpress.solution.product.list.get": products,
    "aliexpress.affiliate.order.listbyindex": affiliate_orders,
    "aliexpress.jv.parcel.list": sent_orders,
    "aliexpress.jv.member.list": members,
    "taobao.tmc.messages.confirm": confirm,
    "taobao.tmc.messages.consume": consume,
    "taobao.tmc.user.permit": permit,
}
