"""The fund's drop: a quarter is taken when it is complete, once per version, and then whole."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.fund.reports import read_report, reports
from connectors.fund.sandbox import COURSE, Trade, books, furnish, lay_down, sandbox
from connectors.fund.tables import (
    FIGURES,
    fund_cash_flows,
    fund_kpis,
    fund_positions,
    fund_reports,
    fund_statements,
)
from gateway.connector import Batch, Kind, PartnerError, Upstream
from gateway.demo.world import Line, Purchase
from gateway.store.database import migrations, writer
from gateway.sync.pull import pull
from gateway.sync.runs import dead_letters
from tests.connectors.test_mailru_world import new_database
from tests.partners import served

FOLDERS = list(COURSE)
QUARTERS = [name[:6] for name in FOLDERS]
TABLES = (fund_reports, fund_positions, fund_statements, fund_cash_flows, fund_kpis)
OLDER = ("fund_reports", "fund_positions", "fund_cash_flows")
PUBLISHED = "2017-08-20T09:00:00+03:00"


class Sales:
    """A world of one purchase a month at each of the two parties, of a known sum."""

    def purchases(self, party: str) -> Iterator[Purchase]:
        each = 100_00 if party == "ALIBABA" else 7
        for month in range(1, 13):
            moment = datetime(2017, month, 28, 23, 59, 59, tzinfo=UTC)
            yield Purchase(month, "5000000000", moment, (Line(1, "Tea", "TEA", 1, each),) * 2)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    furnish(Sales(), tmp_path)  # type: ignore[arg-type]
    return tmp_path / "fund"


@pytest.fixture
async def upstream(drop: Path) -> AsyncIterator[Upstream]:
    async with served(sandbox(drop.parent, {})) as url, Upstream("fund", {"url": url}) as upstream:
        yield upstream


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = writer(new_database(tmp_path))
    yield engine
    await engine.dispose()


async def pulled(upstream: Upstream, cursor: Mapping[str, Any] | None = None) -> list[Batch]:
    return [batch async for batch in reports.pull(upstream, cursor or {})]


def quarters(batches: list[Batch]) -> list[str]:
    return [record["quarter"] for batch in batches for record in batch.records]


def restate(drop: Path, folder: str, version: int, commitment: int = 200_000_000_00) -> None:
    """A quarter anew, as the first of a smaller fund."""
    figures = {"commitment": commitment, "nav_begin": 0, "contributions": commitment // 10}
    figures |= {"distributions": 0, "gain": 0, "nav": commitment // 10}
    lay_down(drop / folder, books(folder[:6], figures, Trade(1, 1, 1, 0)), figures, PUBLISHED, version)


# Pulling


async def test_all_quarters_come_in_order_and_then_none(upstream: Upstream) -> None:
    first = await pulled(upstream)
    assert quarters(first) == QUARTERS
    assert await pulled(upstream, first[-1].cursor) == [Batch([], first[-1].cursor)]


async def test_a_pull_resumes_behind_any_quarter(upstream: Upstream) -> None:
    batches = await pulled(upstream)
    for done in range(1, len(batches)):
        assert await pulled(upstream, batches[done - 1].cursor) == batches[done:]


async def test_an_incomplete_quarter_waits_for_its_marker(upstream: Upstream, drop: Path) -> None:
    (drop / "2017Q2/.done").unlink()
    first = await pulled(upstream)
    assert quarters(first) == ["2017Q1", "2017Q3", "2017Q3", "2017Q4"]
    (drop / "2017Q2/.done").touch()
    assert quarters(await pulled(upstream, first[-1].cursor)) == ["2017Q2"]


async def test_a_quarter_that_is_withdrawn_while_it_is_read_waits(drop: Path) -> None:
    app = sandbox(drop.parent, {})

    async def withdrawing(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/drop/2017Q3/distributions.csv":
            (drop / "2017Q3/.done").unlink()
        await app(scope, receive, send)

    async with served(withdrawing) as url, Upstream("fund", {"url": url}) as upstream:
        found = await pulled(upstream)
    records = [(record["quarter"], record["revision"]) for batch in found for record in batch.records]
    assert records == [("2017Q1", None), ("2017Q2", None), ("2017Q3", 2), ("2017Q4", None)]


async def test_a_restated_quarter_comes_again_and_an_older_version_does_not(
    upstream: Upstream, drop: Path
) -> None:
    first = await pulled(upstream)
    restate(drop, "2017Q2", version=3)
    second = await pulled(upstream, first[-1].cursor)
    assert quarters(second) == ["2017Q2"]
    restate(drop, "2017Q2", version=2, commitment=100_000_000_00)
    assert quarters(await pulled(upstream, second[-1].cursor)) == []


async def test_folders_that_are_no_quarters_are_left_alone(upstream: Upstream, drop: Path) -> None:
    for name in ("incoming", "2017Q5", "2017Q1.bak", "2017Q1-r1", "2017Q1-r2x", "2017Q1-r100"):
        (drop / name).mkdir()
        (drop / name / ".done").touch()
    assert quarters(await pulled(upstream)) == QUARTERS


@pytest.mark.parametrize(("status", "kind"), [(401, Kind.AUTH), (418, Kind.BUSINESS)])
async def test_a_drop_that_refuses_is_an_error(status: int, kind: Kind) -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body"})

    async with served(refusing) as url, Upstream("fund", {"url": url}) as upstream:
        with pytest.raises(PartnerError) as caught:
            await pulled(upstream)
    assert caught.value.kind is kind


async def test_nothing_beside_the_drop_is_served(upstream: Upstream, drop: Path) -> None:
    (drop.parent / "secret").write_text("x")
    async with httpx.AsyncClient(base_url=upstream.settings["url"]) as http:
        for path in ("/drop/%2e%2e/secret", "/drop/..%2fsecret", "/secret"):
            assert (await http.get(path)).status_code == 404


# Kept


async def rows_of(database: AsyncEngine, table: Any) -> list[Any]:
    async with database.connect() as connection:
        return list(await connection.execute(select(table)))


@pytest.mark.parametrize("folder", ["2017Q4", "2017Q4-r2"])
async def test_a_restatement_stands_beside_what_it_restates(
    upstream: Upstream, drop: Path, database: AsyncEngine, folder: str
) -> None:
    """Whether the fund lays down a folder more or writes the old one anew, both versions are kept, each whole."""
    await pull(database, upstream, "fund", reports)
    before = {table.name: await rows_of(database, table) for table in TABLES}
    restate(drop, folder, version=2)
    await pull(database, upstream, "fund", reports)
    for table in TABLES:
        of_report = "id" if table is fund_reports else "report"
        rows = await rows_of(database, table)
        assert [row for row in rows if getattr(row, of_report) != "2017Q4/2"] == before[table.name]
    [report] = [row for row in await rows_of(database, fund_reports) if row.id == "2017Q4/2"]
    assert (report.version, report.nav_minor, report.gmv_minor) == (2, 20_000_000_00, 1)
    flows = [row for row in await rows_of(database, fund_cash_flows) if row.report == "2017Q4/2"]
    assert [flow.kind for flow in flows] == ["CALL"] * 4
    positions = [row for row in await rows_of(database, fund_positions) if row.report == "2017Q4/2"]
    assert sum(position.nav_minor for position in positions) == 20_000_000_00


async def test_a_version_is_not_told_twice_in_different_ways(
    upstream: Upstream, drop: Path, database: AsyncEngine
) -> None:
    """What a version said once stays; the same version with other figures is put aside, again and again."""
    await pull(database, upstream, "fund", reports)
    before = await rows_of(database, fund_reports)
    for folder, commitment in (("2017Q2", 200), ("2017Q2", 100), ("2017Q3", 100)):
        restate(drop, folder, 2 if folder == "2017Q3" else 1, commitment * 10**8)
        progress = await pull(database, upstream, "fund", reports)
        assert (progress.records, progress.unreadable) == (1, 1)
    assert await rows_of(database, fund_reports) == before
    reason = "this version was published before, and was not the same"
    assert {letter.reason for letter in await rows_of(database, dead_letters)} == {reason}
    assert (await pull(database, upstream, "fund", reports)).records == 0


async def test_every_figure_is_in_shares_of_the_stakes(upstream: Upstream) -> None:
    for batch in (await pulled(upstream))[:-1]:
        [record] = batch.records
        rows = read_report(record)
        [report] = rows[fund_reports]
        assert [p["stake_bp"] for p in rows[fund_positions]] == [4800, 2400, 1500, 1300]
        for position in rows[fund_positions]:
            for name in FIGURES:
                assert position[f"{name}_minor"] * 10_000 == report[f"{name}_minor"] * position["stake_bp"]
        assert report["gmv_minor"] == 3 * 2 * (100_00 + 7)
        kpis = {kpi["name"]: kpi["value"] for kpi in rows[fund_kpis]}
        assert kpis == {"gmv": "600.42", "orders": "6", "aov": "100.07", "buyers": "2", "repeat_rate": "100"}


def test_what_was_there_before_versions_were_kept_is_there_as_one(tmp_path: Path) -> None:
    """The books of a gateway from before stay, and can be taken back with the newest version of each quarter."""
    file = tmp_path / "gateway.db"
    file.touch()
    command.upgrade(migrations(file), "fund_0001")
    figures = ", ".join("7" for _ in FIGURES)
    with closing(sqlite3.connect(file)) as before, before:
        before.execute(f"INSERT INTO fund_reports VALUES ('2017Q1', 2, '{PUBLISHED}', 'USD', {figures}, 70)")
        before.execute(f"INSERT INTO fund_positions VALUES ('2017Q1', 'RDIF', 1300, 'USD', {figures})")
        before.execute(
            "INSERT INTO fund_cash_flows VALUES ('2017Q1', 'CALL', 1, 'RDIF', '2017-02-20', 7, 'USD')"
        )
        kept = [before.execute(f"SELECT * FROM {name}").fetchall() for name in OLDER]
    command.upgrade(migrations(file), "fund_0002")
    with closing(sqlite3.connect(file)) as after, after:
        assert after.execute(
            "SELECT id, quarter, version, nav_minor, gmv_minor FROM fund_reports"
        ).fetchall() == [("2017Q1/2", "2017Q1", 2, 7, 70)]
        for name in OLDER[1:]:
            assert [row[0] for row in after.execute(f"SELECT report FROM {name}")] == ["2017Q1/2"]
        after.execute(f"INSERT INTO fund_reports VALUES ('2017Q1/1', '2017Q1', 1, '', 'USD', {figures}, 1)")
    command.downgrade(migrations(file), "fund_0001")
    with closing(sqlite3.connect(file)) as again:
        assert [again.execute(f"SELECT * FROM {name}").fetchall() for name in OLDER] == kept
