"""A bank that settles payments: what clients paid with its cards. Modelled; no bank's interface is documented here."""

from __future__ import annotations

from connectors.bank.customers import customers
from connectors.bank.payments import BankClient, payments
from connectors.bank.sandbox import furnish
from connectors.bank.sandbox import sandbox as stand_in
from gateway.connector import Connector, Quota, Terms

connector = Connector(
    name="bank",
    party="BANK",
    scopes={"bank:read": "What clients paid with the bank's cards, in sums."},
    datasets=(customers, payments),
    client=BankClient,
    settings=("client_id", "client_secret"),
    terms=Terms(quotas=(Quota(600, 60),)),
    sandbox=stand_in,
    furnish=furnish,
)
