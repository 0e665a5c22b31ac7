"""The fund's reports in the graph: for the fund alone, and never a person's row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import astuple
from pathlib import Path

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.fund import connector
from connectors.fund.kpis import DEFINITIONS
from connectors.fund.multiples import multiples
from connectors.fund.reports import reports
from connectors.fund.statements import LINES, PERIODS, ending
from gateway.access.agreements import CONTRACT, rights, write_rights
from gateway.access.pseudonyms import Pseudonyms
from gateway.access.request import Access
from gateway.connector import Upstream
from gateway.discovery import dataset_scopes, discover
from gateway.engine.engine import Engine
from gateway.engine.limits import Limits
from gateway.engine.run import Result
from gateway.oauth.tokens import Caller
from gateway.schema import declared_schema
from gateway.store.readers import Readers
from gateway.sync.pull import pull
from tests.connectors.test_fund import database, drop, restate, upstream

__all__ = ["database", "drop", "upstream"]

SCHEMA = declared_schema()
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


async def answer(readers: Readers, caller: Caller, operation: str, **variables: object) -> Result:
    prepared = Engine(SCHEMA.graphql, Limits(4000, 15)).prepare(
        SCHEMA.view(caller.scopes), operation, variables, None
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
        "version": 2,
        "publishedAt": "2017-12-15T06:00:00Z",
        "commitments": {"amount": "400000000.00", "currency": "USD"},
        "contributions": {"amount": "80000000.00"},
        "distributions": {"amount": "4000000.00"},
        "nav": {"minor": 180_400_000_00},
        "gmv": {"amount": "600.42"},
    }
    assert positions[0] == {
        "shareholder": "ALIBABA",
        "stake": "48.00",
        "nav": {"amount": "86592000.00"},
        "commitment": {"minor": 192_000_000_00},
    }
    assert [position["shareholder"] for position in positions] == ["ALIBABA", "MEGAFON", "MAILRU", "RDIF"]
    assert calls[3] == {"shareholder": "RDIF", "day": "2017-08-20", "amount": {"amount": "10400000.00"}}
    assert paid[2] == {"shareholder": "MAILRU", "amount": {"minor": 600_000_00}}


AS_OF = """query($at: DateTime) { fundReport(quarter: "2017Q3", asOf: $at) { version nav { minor } supersededAt } }"""

VERSION_1 = {"version": 1, "nav": {"minor": 181_400_000_00}, "supersededAt": "2017-12-15T06:00:00Z"}
VERSION_2 = {"version": 2, "nav": {"minor": 180_400_000_00}, "supersededAt": None}


@pytest.mark.parametrize(
    ("moment", "known"),
    [
        ("2017-10-20T05:59:59Z", None),
        ("2017-10-20T06:00:00Z", VERSION_1),
        ("2017-12-15T08:59:59+03:00", VERSION_1),
        ("2017-12-15T09:00:00+03:00", VERSION_2),
        ("2030-01-01T00:00:00Z", VERSION_2),
        (None, VERSION_2),
    ],
)
async def test_as_of_a_moment_the_report_is_what_had_been_published_by_then(
    readers: Readers, moment: str | None, known: object
) -> None:
    result = await answer(readers, RDIF, AS_OF, at=moment)
    assert (result.data, result.errors) == ({"fundReport": known}, [])


async def test_all_versions_are_told_with_what_each_restated(readers: Readers) -> None:
    """The restated quarter's figures of trade are the same, and so not restated; its NAV is another."""
    operation = """{ fundReport(quarter: "2017Q3", asOf: "2017-11-01T00:00:00Z") { version versions {
        version kpis { name value restated } } } }"""
    result = await answer(readers, RDIF, operation)
    assert result.data is not None
    assert result.data["fundReport"]["version"] == 1
    first, second = result.data["fundReport"]["versions"]
    assert (first["version"], second["version"]) == (1, 2)
    assert first["kpis"] == second["kpis"]
    assert not any(kpi["restated"] for kpi in second["kpis"])


async def test_a_kpi_that_was_told_otherwise_before_says_so(
    upstream: Upstream, drop: Path, database: AsyncEngine, readers: Readers
) -> None:
    restate(drop, "2017Q4-r2", version=2)
    await pull(database, upstream, "fund", reports)
    operation = """{ fundReport(quarter: "2017Q4") { kpis {
        name definition meaning value unit zone ratesSource ratesOn restated } } }"""
    result = await answer(readers, RDIF, operation)
    assert result.data is not None
    kpis = orjson.loads(orjson.dumps(result.data["fundReport"]["kpis"], default=str))
    assert [kpi["name"] for kpi in kpis] == ["aov", "buyers", "gmv", "orders", "repeat_rate"]
    assert all(kpi["restated"] for kpi in kpis)
    assert kpis[2] == {
        "name": "gmv",
        "definition": 1,
        "meaning": DEFINITIONS["gmv", 1],
        "value": "0.01",
        "unit": "USD",
        "zone": "Europe/Moscow",
        "ratesSource": "CBR",
        "ratesOn": "2017-12-20",
        "restated": True,
    }


async def test_a_capital_account_is_told_over_quarter_year_and_life(readers: Readers) -> None:
    """In each, what came in and went out leads from the beginning NAV to the ending one, which all three share."""
    lines = "{ " + " ".join(f"{_camel(name)} {{ minor }}" for name in LINES) + " }"
    accounts = " ".join(f"{each}: capitalAccount(period: {each}) {lines}" for each in PERIODS)
    operation = f'{{ fundReport(quarter: "2017Q4") {{ positions {{ shareholder {accounts} }} }} }}'
    result = await answer(readers, RDIF, operation)
    assert (result.data is not None, result.errors) == (True, [])
    fund = result.data["fundReport"]["positions"][3]  # type: ignore[index]
    found = {each: {name: fund[each][_camel(name)]["minor"] for name in LINES} for each in PERIODS}
    assert fund["shareholder"] == "RDIF"
    assert [ending(lines) for lines in found.values()] == [found["QTD"]["nav"]] * 3
    assert (found["QTD"]["contributions"], found["ITD"]["contributions"]) == (780_000_000, 3_120_000_000)
    assert (found["QTD"]["nav_begin"], found["ITD"]["nav_begin"]) == (2_345_200_000, 0)


@pytest.mark.parametrize(
    ("paid_in", "distributed", "residual", "committed", "told"),
    [
        (194, 20, 150, 200, ("0.970000", "0.103093", "0.773196", "0.876289")),
        (194, 20, 150, 0, (None, "0.103093", "0.773196", "0.876289")),
        (3, 1, 1, 3, ("1.000000", "0.333333", "0.333333", "0.666667")),
        (7, 0, -1, 7, ("1.000000", "0.000000", "-0.142857", "-0.142857")),
        (0, 0, 0, 100, None),
    ],
)
def test_multiples_are_those_of_gips(
    paid_in: int, distributed: int, residual: int, committed: int, told: tuple[str | None, ...] | None
) -> None:
    found = multiples(paid_in, distributed, residual, committed)
    if found is None or told is None:
        assert found is told
    else:
        assert [None if each is None else str(each) for each in astuple(found)] == list(told)


async def test_every_shareholder_has_the_multiples_of_the_whole(readers: Readers) -> None:
    operation = """{ fundReport(quarter: "2017Q4") { positions { multiples { pic dpi rvpi tvpi } } } }"""
    result = await answer(readers, RDIF, operation)
    assert (result.data is not None, result.errors) == (True, [])
    found = orjson.loads(orjson.dumps(result.data["fundReport"]["positions"], default=str))  # type: ignore[index]
    multiples = {"pic": "0.600000", "dpi": "0.050000", "rvpi": "1.003333", "tvpi": "1.053333"}
    assert found == [{"multiples": multiples}] * 4


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


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
