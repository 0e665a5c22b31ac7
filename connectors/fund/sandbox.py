"""The fund's sandbox: the drop's folders over HTTP, and the books of 2017 to lay into them."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from connectors.fund.books import SHEETS, STAKES
from connectors.fund.manifest import TOTALS

if TYPE_CHECKING:
    from gateway.demo.world import World

FOLDER = "fund"

COMMITMENT = 400_000_000_00
"""All shareholders' together, in cents."""

COURSE = {
    "2017Q1": (1000, 0, -30, "2017-04-20T09:00:00+03:00"),
    "2017Q2": (1500, 0, 45, "2017-07-20T09:00:00+03:00"),
    "2017Q3": (2000, 100, 120, "2017-10-20T09:00:00+03:00"),
    "2017Q4": (1500, 200, 210, "2018-01-22T09:00:00+03:00"),
}
"""What is called, paid out and gained, in basis points of the commitment; and when that is published."""

Figures = Mapping[str, int]


def sandbox(folder: Path, settings: Mapping[str, str]) -> Starlette:
    """The drop in `<folder>/fund`, as it is at the moment of each call; no settings."""
    root = folder / FOLDER

    async def index(request: Request) -> Response:
        names = sorted(path.name for path in root.iterdir() if path.is_dir())
        return Response(orjson.dumps(names), media_type="application/json")

    return Starlette(routes=[Route("/drop/index.json", index), Mount("/drop", StaticFiles(directory=root))])


def furnish(world: World, folder: Path) -> None:
    """Lay down `<folder>/fund`: four quarters in shares of the stakes, with the world's sales of each."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    sales = _sales(world)
    begin = 0
    for quarter, (*points, published) in COURSE.items():
        called, paid, gained = (COMMITMENT // 10_000 * point for point in points)
        end = begin + called - paid + gained
        figures = {"commitment": COMMITMENT, "nav_begin": begin, "contributions": called}
        figures |= {"distributions": paid, "gain": gained, "nav": end}
        lay_down(folder / FOLDER / quarter, books(quarter, figures, sales[quarter]), figures, published)
        begin = end


def books(quarter: str, figures: Figures, gmv: int) -> dict[str, list[list[str]]]:
    """The sheets of a quarter, without headers: the fund's figures (cents) in shares of the stakes."""
    shares = {
        shareholder: {name: figure * stake // 10_000 for name, figure in figures.items()}
        for shareholder, stake in STAKES.items()
    }
    return {
        "capital_account.csv": [
            [shareholder, _decimal(STAKES[shareholder]), *map(_decimal, share.values())]
            for shareholder, share in shares.items()
        ],
        "capital_calls.csv": _payments(shares, "contributions", _day(quarter, 2)),
        "distributions.csv": _payments(shares, "distributions", _day(quarter, 3)),
        "kpis.csv": [["gmv", _decimal(gmv), "USD"]],
    }


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
        "quarter": folder.name,
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


def _sales(world: World) -> Counter[str]:
    sales: Counter[str] = Counter()
    for purchase in chain(world.purchases("ALIBABA"), world.purchases("MAILRU")):
        quarter = f"{purchase.at.year}Q{(purchase.at.month + 2) // 3}"
        sales[quarter] += sum(line.cents for line in purchase.lines)
    return sales


def _decimal(minor: int) -> str:
    return str(Decimal(minor).scaleb(-2))


def _csv(rows: Iterable[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
