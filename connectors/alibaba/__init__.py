"""AliExpress: orders and members of Alibaba's side of the venture, over the IOP protocol."""

from __future__ import annotations

from connectors.alibaba import members, orders
from connectors.alibaba.account import AlibabaClient
from connectors.alibaba.orders import AlibabaOrder
from connectors.alibaba.sandbox import furnish, sandbox
from gateway.connector import Connector

connector = Connector(
    name="alibaba",
    party="ALIBABA",
    scopes={"alibaba:read": "Clients' accounts at AliExpress and the orders they placed there."},
    datasets=(members.dataset, orders.dataset),
    client=AlibabaClient,
    types=(AlibabaOrder,),
    settings=("app_key", "app_secret", "access_token"),
    sandbox=sandbox,
    furnish=furnish,
)
