"""Cainiao: what it says of parcels, whichever party's orders are in them; it is a carrier and no party."""

from __future__ import annotations

from connectors.cainiao.sandbox import FAULTS, furnish, sandbox
from connectors.cainiao.tracking import parcels, terms
from gateway.connector import Connector

connector = Connector(
    name="cainiao",
    party=None,
    scopes={},
    datasets=(parcels,),
    terms=terms,
    sandbox=sandbox,
    furnish=furnish,
    faults=FAULTS,
)
