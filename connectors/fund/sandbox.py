"""The fund's sandbox: the drop's folders over HTTP, and the books of 2017 to lay into them."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from connectors.fund.books import SHEETS, STAKES
from connectors.fund.manifest import TOTALS
from connectors.fund.statements import LINES, PERIODS, SAME, ending
from gateway.connector import struck

if TYPE_CHECKING:
    from gateway.demo.world import World

FOLDER = "fund"

COMMITMENT = 400_000_000_00
"""All shareholders' together, in cents."""

COURSE = {
    "2017Q1": (1000, 0, -30, "2017-04-20T09:00:00+03:00"),
    "2017Q2": (1500, 0, 45, "2017-07-20T09:00:00+03:00"),
    "2017Q3": (2000, 100, 120, "2017-10-20T09:00:00+03:00"),
    "2017Q3-r2": (2000, 100, 95, "2017-12-15T09:00:00+03:00"),
    "2017Q4": (1500, 200, 210, "2018-01-22T09:00:00+03:00"),
}
"""What is called, paid out and gained, in basis points of the commitment; and when that is published.

The auditors found that the third quarter had gained less: it is published once more, and the fourth goes on from there.
"""

MOSCOW = ZoneInfo("Europe/Moscow")

Figures = Mapping[str, int]


class Trade(NamedTuple):
    """What the venture sold in a quarter; `repeated` are the buyers with two orders or more."""

    cents: int
    orders: int
    buyers: int
    repeated: int


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The drop in `<folder>/fund`, as it is at the moment of each call; no settings."""
    root = folder / FOLDER

    async def index(request: Request) -> Response:
        names = sorted(path.name for path in root.iterdir() if path.is_dir())
        return Response(orjson.dumps(names), media_type="application/json")

    async def sheet(request: Request) -> Response:
        path = root / request.path_params["folder"] / f"{request.path_params['name']}.csv"
        if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
            return Response(status_code=404)
        body = path.read_bytes()
        # Cut in the middle of a row, as by an upload that broke off.
        return Response(body[: -len(body) // 3 or None] if struck(request, "F51") else body)

    return Starlette(
        routes=[
            Route("/drop/index.json", index),
            Route("/drop/{folder}/{name}.csv", sheet),
            Mount("/drop", StaticFiles(directory=root)),
        ]
    )


def furnish(world: World, folder: Path) -> None:
    """Lay down `<folder>/fund`: four quarters in shares of the stakes, with the world's sales of each."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    trade = _trade(world)
    known: dict[str, Figures] = {}
    for name, (*points, published) in COURSE.items():
        quarter, _, revision = name.partition("-r")
        before = [figures for each, figures in known.items() if each < quarter]
        called, paid, gained = (COMMITMENT // 10_000 * point for point in points)
        begin = before[-1]["nav"] if before else 0
        figures = {"commitment": COMMITMENT, "nav_begin": begin, "contributions": called}
        figures |= {"distributions": paid, "gain": gained, "nav": begin + called - paid + gained}
        known[quarter] = figures
        sheets = books(quarter, figures, trade[quarter], before)
        lay_down(folder / FOLDER / name, sheets, figures, published, int(revision or 1))


def books(
    quarter: str, figures: Figures, trade: Trade, before: Sequence[Figures] = ()
) -> dict[str, list[list[str]]]:
    """The sheets of a quarter, without headers: the fund's figures (cents) in shares of the stakes.

    `before` are the figures of the quarters before it, all of its year.
    """
    shares = _shares(figures)
    return {
        "capital_account.csv": [
            [shareholder, _decimal(STAKES[shareholder]), *map(_decimal, share.values())]
            for shareholder, share in shares.items()
        ],
        "capital_calls.csv": _payments(shares, "contributions", _day(quarter, 2)),
        "distributions.csv": _payments(shares, "distributions", _day(quarter, 3)),
        "statements.csv": _statements([*before, figures]),
        "kpis.csv": _kpis(quarter, trade),
    }


def _shares(figures: Figures) -> dict[str, dict[str, int]]:
    return {
        shareholder: {name: figure * stake // 10_000 for name, figure in figures.items()}
        for shareholder, stake in STAKES.items()
    }


def _statements(quarters: Sequence[Figures]) -> list[list[str]]:
    """Each shareholder's lines over the last of the quarters, the year and all, which here are the same."""
    lines = [_lines(figures) for figures in quarters]
    whole = {name: sum(each[name] for each in lines) for name in LINES}
    whole |= {"nav_begin": lines[0]["nav_begin"], "nav": lines[-1]["nav"]}
    shares = {period: _shares(each) for period, each in zip(PERIODS, (lines[-1], whole, whole), strict=True)}
    return [
        [shareholder, period, *(_decimal(shares[period][shareholder][name]) for name in LINES)]
        for shareholder in STAKES
        for period in PERIODS
    ]


def _lines(figures: Figures) -> dict[str, int]:
    """A quarter's figures in the lines of a statement; what the fees leave of the gain is not realised yet."""
    point = figures["commitment"] // 10_000
    lines = {
        **{name: figures[name] for name in SAME},
        "management_fees": 50 * point,
        "fee_offsets": 5 * point,
        "partnership_expenses": 4 * point,
        "facility_costs": point,
        "incentive_allocation": max(figures["gain"], 0) // point // 10 * point,
        "realised_gain": figures["distributions"] // 4,
        "unrealised_gain": 0,
    }
    lines["unrealised_gain"] = lines["nav"] - ending(lines)
    return lines


def _kpis(quarter: str, trade: Trade) -> list[list[str]]:
    average = trade.cents // trade.orders if trade.orders else 0
    repeated = Decimal(100 * trade.repeated) / trade.buyers if trade.buyers else Decimal(0)
    rates = ["CBR", _day(quarter, 3)]
    return [
        ["gmv", "1", _decimal(trade.cents), "USD", "Europe/Moscow", *rates],
        ["orders", "1", str(trade.orders), "count", "Europe/Moscow", "", ""],
        ["aov", "1", _decimal(average), "USD", "Europe/Moscow", *rates],
        ["buyers", "1", str(trade.buyers), "count", "Europe/Moscow", "", ""],
        ["repeat_rate", "1", f"{repeated:.2f}", "percent", "Europe/Moscow", "", ""],
    ]


def lay_down(
    folder: Path,
    sheets: Mapping[str, Sequence[Sequence[str]]],
    figures: Figures,
    published: str,
    version: int = 1,
) -> None:
    """Publish a quarter as the fund does: the marker goes first and comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".done").unlink(missing_ok=True)
    files = []
    for name, rows in sheets.items():
        body = _csv([list(SHEETS[name]), *rows])
        (folder / name).write_bytes(body)
        sha256 = hashlib.sha256(body).hexdigest()
        files.append({"name": name, "size": len(body), "sha256": sha256, "rows": len(rows)})
    manifest = {
        "quarter": folder.name.partition("-r")[0],
        "version": version,
        "currency": "USD",
        "published": published,
        "totals": {name: _decimal(figures[name]) for name in TOTALS},
        "files": files,
    }
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    (folder / ".done").touch()


def _payments(shares: Mapping[str, Figures], name: str, day: str) -> list[list[str]]:
    return [[holder, day, _decimal(share[name])] for holder, share in shares.items() if share[name]]


def _day(quarter: str, month: int) -> str:
    return f"{quarter[:4]}-{3 * (int(quarter[-1]) - 1) + month:02d}-20"


def _trade(world: World) -> dict[str, Trade]:
    """What was sold in each quarter, in days of Moscow."""
    sales: Counter[str] = Counter()
    orders: dict[str, Counter[str]] = {name: Counter() for name in COURSE}
    for party in ("ALIBABA", "MAILRU"):
        for purchase in world.purchases(party):
            day = purchase.at.astimezone(MOSCOW)
            quarter = f"{day.year}Q{(day.month + 2) // 3}"
            if quarter in orders:
                sales[quarter] += sum(line.cents for line in purchase.lines)
                orders[quarter][f"{party}:{purchase.account}"] += 1
    return {
        quarter: Trade(sales[quarter], found.total(), len(found), sum(n > 1 for n in found.values()))
        for quarter, found in orders.items()
    }


def _decimal(minor: int) -> str:
    return str(Decimal(minor).scaleb(-2))


def _csv(rows: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
