"""The Bank of Russia: its official exchange rates, which are public; it is no party of the venture."""

from __future__ import annotations

from connectors.cbr.fields import RatesQuery
from connectors.cbr.rates import rates
from connectors.cbr.sandbox import furnish
from connectors.cbr.sandbox import sandbox as stand_in
from gateway.connector import Connector

connector = Connector(
    name="cbr",
    party="CBR",
    scopes={"cbr:rates": "Official exchange rates of the Bank of Russia, which are public."},
    datasets=(rates,),
    query=RatesQuery,
    sandbox=stand_in,
    furnish=furnish,
    faults={"F50": "Prices have a decimal point in the comma's place."},
)
