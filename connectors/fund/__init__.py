"""The fund: RDIF's quarterly books of the venture, from a drop of files."""

from __future__ import annotations

from connectors.fund.fields import FundQuery
from connectors.fund.reports import reports
from connectors.fund.sandbox import furnish
from connectors.fund.sandbox import sandbox as stand_in
from gateway.connector import Connector

connector = Connector(
    name="fund",
    party="RDIF",
    scopes={"fund:reports": "The fund's quarterly books of the venture."},
    datasets=(reports,),
    query=FundQuery,
    sandbox=stand_in,
    furnish=furnish,
    faults={"F51": "A sheet of the drop is cut in the middle of a row."},
)
