"""The fund's books: a quarter whose files and sums do not agree is put aside with the reason; the others come."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.fund import connector
from connectors.fund.reports import read_report, reports
from connectors.fund.sandbox import sandbox
from connectors.fund.tables import fund_reports
from gateway.connector import Batch, Unreadable, Upstream
from gateway.sandboxes.faults import Fault
from gateway.sandboxes.faulty import Faulty
from gateway.sync.pull import pull
from gateway.sync.runs import dead_letters
from tests.connectors.test_fund import database, drop, pulled, quarters, rows_of, upstream
from tests.partners import served

__all__ = ["database", "drop", "upstream"]

Spoil = Callable[[Path], None]


def edit(name: str, old: str, new: str, *, seal: bool = True) -> Spoil:
    """Change a file; with `seal`, its manifest too, so that only the figures are wrong."""

    def spoil(folder: Path) -> None:
        body = (folder / name).read_bytes()
        assert old.encode() in body
        (folder / name).write_bytes(body.replace(old.encode(), new.encode(), 1))
        if seal:
            seal_again(folder, name)

    return spoil


def seal_again(folder: Path, name: str) -> None:
    body = (folder / name).read_bytes()
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    [entry] = [file for file in manifest["files"] if file["name"] == name]
    entry |= {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))


def declare(**changed: Any) -> Spoil:
    """Change the manifest."""

    def spoil(folder: Path) -> None:
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_bytes(orjson.dumps({**manifest, **changed}))

    return spoil


def truncate(name: str) -> Spoil:
    """Cut a file in the middle of a row."""

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:-20])

    return spoil


def truncate_and_seal(folder: Path) -> None:
    truncate("capital_calls.csv")(folder)
    seal_again(folder, "capital_calls.csv")


def move(name: str) -> Spoil:
    """Lay the quarter down under another name."""
    return lambda folder: shutil.move(folder, folder.with_name(name)) and None


def write(name: str, body: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(body) and None


SPOILT: list[tuple[Spoil, str]] = [
    (truncate("capital_account.csv"), "capital_account.csv has not the size"),
    (edit("kpis.csv", "gmv", "gnv", seal=False), "kpis.csv has not the sha256"),
    (lambda folder: (folder / "distributions.csv").unlink(), "distributions.csv is missing"),
    (truncate_and_seal, "cells|cannot be read"),
    (
        edit("capital_calls.csv", "shareholder,day", "day,shareholder"),
        "capital_calls.csv has not the columns",
    ),
    (edit("capital_calls.csv", "ALIBABA", "ALIBABA\nRDIF,2017-08-20,1.00\nALIBABA"), "number of rows"),
    (edit("capital_calls.csv", "2017-08-20", "20.08.2017"), "day in row 1 of capital_calls.csv"),
    (edit("capital_calls.csv", "38400000.00", "38400000,00"), "5? ?cells"),
    (edit("capital_calls.csv", "38400000.00", "38400000.001"), "amount in row 1 of capital_calls.csv"),
    (edit("capital_calls.csv", "38400000.00", "38400000.01"), "single contributions do not add up"),
    (edit("distributions.csv", "MAILRU", "RDIF"), "single distributions do not add up"),
    (edit("capital_account.csv", "ALIBABA,48.00", "ALIBABA,47.85"), "stakes are not the contract's"),
    (edit("capital_account.csv", "MEGAFON", "USM"), "stakes are not the contract's"),
    (
        edit("capital_account.csv", "ALIBABA,48.00,192000000.00", "ALIBABA,48.00,193000000.00"),
        "commitment does not add up",
    ),
    (edit("capital_account.csv", "2304000.00", "2304000.01"), "nav of ALIBABA does not follow"),
    (edit("kpis.csv", "USD", "RUB"), "gmv is not in the report's currency"),
    (edit("kpis.csv", "600.42", "600.421"), "gmv is finer than minor units"),
    (edit("kpis.csv", "orders", "gmv"), "among the kpis twice"),
    (edit("kpis.csv", "gmv,1,", "gmv,0,"), "definition in row 1 of kpis.csv"),
    (edit("kpis.csv", "Europe/Moscow", "Moscow"), "zone in row 1 of kpis.csv"),
    (edit("kpis.csv", "CBR,", ","), "rates of gmv lack"),
    (edit("statements.csv", "RDIF,ITD", "RDIF,YTD"), "not each shareholder's three"),
    (edit("statements.csv", "960000.00", "960000.01"), "QTD statement of ALIBABA does not add up"),
    (edit("statements.csv", "ALIBABA,QTD", "ALIBABA,MTD"), "period in row 1 of statements.csv"),
    (declare(quarter="2017Q2"), "manifest is not one of this quarter"),
    (move("2017Q3-r3"), "not the one of the folder's name"),
    (declare(version="1"), "manifest is not one of this quarter"),
    (declare(version=0), "manifest is not one of this quarter"),
    (declare(currency="dollars"), "currency"),
    (declare(published="2017-10-20T09:00:00"), "published"),
    (declare(files=[]), "does not list capital_account.csv"),
    (declare(files=7), "does not list capital_account.csv"),
    (declare(files=[{"name": "../../secret.csv"}]), "does not list files of its folder"),
    (declare(totals={"nav": "1.00"}), "lacks the fund's totals"),
    (
        declare(totals=dict.fromkeys(("commitment", "contributions", "distributions", "nav"), "1")),
        "commitment does not",
    ),
    (
        declare(totals=dict.fromkeys(("commitment", "contributions", "distributions", "nav"), "much")),
        "not an amount",
    ),
    (write("manifest.json", b'{"quarter": "2017Q3", "ver'), "manifest is not one of this quarter"),
    (write("manifest.json", b"[]"), "manifest is not one of this quarter"),
]


@pytest.mark.parametrize(("spoil", "reason"), SPOILT)
async def test_a_quarter_that_does_not_agree_is_refused_and_the_others_come(
    upstream: Upstream, drop: Path, spoil: Spoil, reason: str
) -> None:
    for name in ("2017Q1", "2017Q2", "2017Q3-r2"):
        shutil.rmtree(drop / name)
    spoil(drop / "2017Q3")
    batches = await pulled(upstream)
    records = {record["quarter"]: record for batch in batches for record in batch.records}
    assert list(records) == ["2017Q3", "2017Q4"]
    with pytest.raises(Unreadable, match=reason):
        read_report(orjson.loads(orjson.dumps(records.pop("2017Q3"))))
    assert read_report(records["2017Q4"])


async def test_a_spoilt_quarter_comes_again_only_when_it_changed(upstream: Upstream, drop: Path) -> None:
    whole = (drop / "2017Q3/capital_calls.csv").read_bytes()
    truncate("capital_calls.csv")(drop / "2017Q3")
    first = await pulled(upstream)
    assert quarters(await pulled(upstream, first[-1].cursor)) == []
    (drop / "2017Q3/capital_calls.csv").write_bytes(whole)
    [repaired, last] = await pulled(upstream, first[-1].cursor)
    assert read_report(repaired.records[0])[fund_reports][0]["quarter"] == "2017Q3"
    assert await pulled(upstream, last.cursor) == [Batch([], last.cursor)]


async def test_a_spoilt_quarter_is_put_aside_with_its_reason(
    upstream: Upstream, drop: Path, database: AsyncEngine
) -> None:
    truncate("capital_calls.csv")(drop / "2017Q3")
    assert (await pull(database, upstream, "fund", reports)).unreadable == 1
    assert [row.quarter for row in await rows_of(database, fund_reports)] == [
        "2017Q1",
        "2017Q2",
        "2017Q3",
        "2017Q4",
    ]
    [letter] = await rows_of(database, dead_letters)
    assert letter.reason == "capital_calls.csv has not the size that the manifest says"
    await pull(database, upstream, "fund", reports)
    assert len(await rows_of(database, dead_letters)) == 1


async def test_a_drop_that_breaks_off_is_put_aside_and_taken_when_it_is_whole(
    drop: Path, database: AsyncEngine
) -> None:
    """F51, as the sandbox shows it: the quarter is told nothing of until its sheet has come whole."""
    misbehaving = Faulty(sandbox(drop.parent, {}), connector.faults)
    cut = {"fault": "F51", "path": "/drop/2017Q2/capital_calls.csv", "count": 1}
    misbehaving.tell(Fault.told(cut, misbehaving.known))
    async with served(misbehaving) as url, Upstream("fund", {"url": url}) as upstream:
        assert (await pull(database, upstream, "fund", reports)).unreadable == 1
        assert "2017Q2" not in [row.quarter for row in await rows_of(database, fund_reports)]
        [letter] = await rows_of(database, dead_letters)
        assert letter.reason == "capital_calls.csv has not the size that the manifest says"
        assert (await pull(database, upstream, "fund", reports)).records == 1
    assert [row.quarter for row in await rows_of(database, fund_reports)].count("2017Q2") == 1
