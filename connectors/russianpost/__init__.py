"""Russian Post: what it says of parcels, whichever party's orders are in them; it is a carrier and no party."""

from __future__ import annotations

from connectors.russianpost.sandbox import furnish, sandbox
from connectors.russianpost.tracking import operations, terms
from gateway.connector import Connector

connector = Connector(
    name="russianpost",
    party=None,
    scopes={},
    datasets=(operations,),
    settings=("login", "password"),
    terms=terms,
    sandbox=sandbox,
    furnish=furnish,
)
