"""AliExpress: Alibaba's side of the venture, over the protocols TOP and IOP.

Beside what an operator must set there may be `protocol` (`iop`, `top` or `top-hmac`), and `refresh_token` or
`code`, with which the gateway renews its token by itself (for TOP at `auth_url`). With an `iop_url` beside TOP, IOP is
spoken there from the moment on at which the partner says that TOP is offline.
"""

from __future__ import annotations

from connectors.alibaba import commissions, members, messages, orders, products, shipments
from connectors.alibaba.account import AlibabaClient
from connectors.alibaba.orders import AlibabaOrder
from connectors.alibaba.products import AlibabaQuery
from connectors.alibaba.push import webhook
from connectors.alibaba.sandbox import furnish, sandbox
from connectors.alibaba.sandbox.faults import FAULTS
from gateway.connector import Connector, Terms

connector = Connector(
    name="alibaba",
    party="ALIBABA",
    scopes={
        "alibaba:read": "Clients' accounts at AliExpress and the orders they placed there.",
        "alibaba:products": "What AliExpress offers: products, their prices and how many there are.",
        "alibaba:feeds": "Telling AliExpress what products cost and how many there are.",
    },
    datasets=(
        members.dataset,
        orders.dataset,
        shipments.dataset,
        commissions.dataset,
        products.dataset,
        messages.dataset,
    ),
    client=AlibabaClient,
    query=AlibabaQuery,
    types=(AlibabaOrder,),
    settings=("app_key", "app_secret", "access_token"),
    webhook=webhook,
    sandbox=sandbox,
    furnish=furnish,
    faults=FAULTS,
    terms=Terms(concurrency=16, deadline=20.0),
)
