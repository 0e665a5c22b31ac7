"""AliExpress: Alibaba's side of the venture, over the protocols TOP and IOP.

Beside what an operator must set there may be `protocol` (`iop`, `top` or `top-hmac`), and `refresh_token` or
`code`, with which the gateway renews its token by itself (for TOP at `auth_url`). With an `iop_url` beside TOP, IOP is
spoken there from the moment on at which the partner says that TOP is offline.

Documented by the partner ("API access count limitation"): an application has so many calls a day, of which its console
shows the number (5,000 in the formal test environment, more on demand), and is banned to midnight in Beijing once they
are made; methods have limits too, for all applications or for each, a second or a day, whose numbers nobody is told.
So `calls_per_day` is the operator's to set; all else is learnt from bans, which say how long they last. Nothing is
said of quotas in an answer that succeeds.
"""

from __future__ import annotations

from connectors.alibaba import commissions, members, messages, orders, products, shipments
from connectors.alibaba.account import AlibabaClient
from connectors.alibaba.feeds import AlibabaMutation
from connectors.alibaba.orders import AlibabaOrder
from connectors.alibaba.products import AlibabaQuery
from connectors.alibaba.profiles import BEIJING
from connectors.alibaba.push import webhook
from connectors.alibaba.sandbox import furnish, sandbox
from connectors.alibaba.sandbox.faults import FAULTS
from gateway.connector import Allowance, Connector, Terms

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
    mutation=AlibabaMutation,
    types=(AlibabaOrder,),
    settings=("app_key", "app_secret", "access_token"),
    webhook=webhook,
    sandbox=sandbox,
    furnish=furnish,
    faults=FAULTS,
    terms=Terms(allowances=(Allowance("calls_per_day", 86_400, BEIJING.key),), concurrency=16, deadline=20.0),
)
