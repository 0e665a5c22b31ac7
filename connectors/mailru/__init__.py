"""Mail.ru Group: the marketplace Pandao (users, orders, products) and the ad platform myTarget (segments).

Documented by myTarget ("API overview"): a user's requests are counted by what they are about, reading and creating
apart, for the second, the hour and the day of the calendar (times there are Moscow's), and the headers of each answer
say how many there are and how many are left. The numbers are not published, so they are learnt from there. What Pandao
held its callers to is not known; its refusals say how long to wait.
"""

from __future__ import annotations

from connectors.mailru.account import MailruClient
from connectors.mailru.campaigns import campaigns
from connectors.mailru.orders import PandaoOrder, pandao_orders
from connectors.mailru.products import pandao_products
from connectors.mailru.query import MailruMutation, MailruQuery, MailruSubscription
from connectors.mailru.sandbox import furnish
from connectors.mailru.sandbox import sandbox as stand_in
from connectors.mailru.sandbox.faults import FAULTS
from connectors.mailru.segments import segments
from connectors.mailru.statistics import statistics
from connectors.mailru.user_lists import SCOPE, delivery
from connectors.mailru.users import users
from connectors.mailru.values import MOSCOW
from gateway.connector import Connector, Terms

connector = Connector(
    name="mailru",
    party="MAILRU",
    scopes={
        "mailru:read": "Clients' accounts and orders on Pandao.",
        "mailru:products": "What Pandao offers: products, their variants, prices and how many there are.",
        SCOPE: "Sending audiences of consented clients to myTarget.",
        "mailru:ads": "Campaigns in myTarget, and what came of them.",
        "mailru:segments": "Which of myTarget's audiences a client is in.",
    },
    datasets=(users, pandao_orders, pandao_products, segments, campaigns, statistics),
    client=MailruClient,
    query=MailruQuery,
    mutation=MailruMutation,
    subscription=MailruSubscription,
    delivery=delivery,
    types=(PandaoOrder,),
    settings=("access_token", "client_id", "client_secret"),
    sandbox=stand_in,
    furnish=furnish,
    faults=FAULTS,
    terms=Terms(zone=MOSCOW.key),
)
