"""The fund's reports in the graph: for the fund alone, and never a person's row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.fund import connector
from connectors.fund.reports import reports
from gateway.access.agreements import CONTRACT, rights, write_rights
from gateway.access.pseudonyms import Pseudonyms
from gateway.access.request import Access
from gateway.connector import Upstream
from gateway.discovery import dataset_scopes, discover
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.engine.run import Result
from gateway.oauth.tokens import Caller
from gateway.schema import Schema
from gateway.store.readers import Readers
from gateway.sync.pull import pull
from tests.connectors.test_fund import database, drop, upstream

__all__ = ["database", "drop", "upstream"]

SCHEMA = Schema(discover())
RDIF = Caller("RDIF", "app", frozenset({"fund:reports"}), "reporting")
REPORT = """{ fundReport(quarter: "2017Q3") {
    quarter version publishedAt commitments { amount currency } contributions { amount } distributions { amount }
    nav { minor } gmv { amount } positions { shareholder stake nav { amount } commitment { minor } }
    capitalCalls { shareholder day amount { amount } } distributionPayments { shareholder amount { minor } }
} }"""


@pytest.fixture
async def readers(upstream: Upstream, database: AsyncEngine, tmp_path: Path) -> AsyncIterator[Readers]:
    await pull(database, upstream, "fund", reports)
    async with database.begin() as connection:
        await write_rights(connection, rights(CONTRACT, dataset_scopes(discover())))
    found = Readers(tmp_path / "gateway.db", 1)
    await found.open()
    yield found
    await found.close()


async def answer(readers: Readers, caller: Caller, operation: str) -> Result:
    prepared = Engine(SCHEMA.graphql, Limits(4000, 15)).prepare(
        SCHEMA.view(caller.scopes), operation, {}, None
    )
    secret = Pseudonyms(b"a secret that only the test has.")
    return await prepared.run(lambda asked: Access(caller, readers, secret, asked=asked), 10)


async def test_the_fund_reads_its_report(readers: Readers) -> None:
    result = await answer(readers, RDIF, REPORT)
    assert result.errors == []
    assert result.data is not None
    report = orjson.loads(orjson.dumps(result.data["fundReport"], default=str))
    calls, paid = report.pop("capitalCalls"), report.pop("distributionPayments")
    positions = report.pop("positions")
    assert report == {
        "quarter": "2017Q3",
        "version": 1,
        "publishedAt": "2017-10-20T06:00:00Z",
        "commitments": {"amount": "400000000.00", "currency": "USD"},
        "contributions": {"amount": "80000000.00"},
        "distributions": {"amount": "4000000.00"},
        "nav": {"minor": 181_400_000_00},
        "gmv": {"amount": "600.42"},
    }
    assert positions[0] == {
        "shareholder": "ALIBABA",
        "stake": "48.00",
        "nav": {"amount": "87072000.00"},
        "commitment": {"minor": 192_000_000_00},
    }
    assert [position["shareholder"] for position in positions] == ["ALIBABA", "MEGAFON", "MAILRU", "RDIF"]
    assert calls[3] == {"shareholder": "RDIF", "day": "2017-08-20", "amount": {"amount": "10400000.00"}}
    assert paid[2] == {"shareholder": "MAILRU", "amount": {"minor": 600_000_00}}


async def test_an_unknown_quarter_is_null_and_an_odd_one_an_error(readers: Readers) -> None:
    nothing = await answer(readers, RDIF, '{ fundReport(quarter: "2016Q4") { nav { minor } } }')
    assert (nothing.data, nothing.errors) == ({"fundReport": None}, [])
    for odd in ("2017Q5", "2017q1", "2017Q1 ", "2017", "' OR 1=1", "２０１７Q1", "2017Q1\\n"):
        result = await answer(readers, RDIF, f'{{ fundReport(quarter: "{odd}") {{ nav {{ minor }} }} }}')
        assert result.data == {"fundReport": None}
        assert [(error.original_error.extensions or {})["code"] for error in result.errors] == [
            "BAD_USER_INPUT"
        ]  # type: ignore[union-attr]


async def test_no_other_party_reads_the_report_even_with_the_scope(readers: Readers) -> None:
    for party in ("ALIBABA", "MAILRU"):
        caller = Caller(party, "app", frozenset({"fund:reports"}), "reporting")
        result = await answer(readers, caller, REPORT)
        assert (result.data, result.errors) == ({"fundReport": None}, [])


async def test_without_the_scope_the_field_is_refused(readers: Readers) -> None:
    result = await answer(readers, Caller("RDIF", "app", frozenset(), "reporting"), REPORT)
    assert result.data == {"fundReport": None}
    assert [(error.extensions or {})["code"] for error in result.errors] == ["UNAUTHORIZED_FIELD_OR_TYPE"]


def test_the_funds_scope_reaches_no_person() -> None:
    reached = SCHEMA.reachable(frozenset(connector.scopes))
    assert "FundReport.nav" in reached
    assert not any(
        name.partition(".")[0] in ("Client", "ClientProfile", "Order", "OrderLine") for name in reached
    )
