"""Hostile documents: what the gateway's event loop is held for while they are refused, or run."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import httpx
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp

from tests.attacks.watched import watched

LEVELS = 60


def many(count: int, part: str) -> str:
    """A part so many times, `%` replaced by its number."""
    return " ".join(part.replace("%", str(number)) for number in range(count))


def bomb(levels: int, part: str) -> str:
    """Fragments of which each spreads the next one wherever `%` stands: spelled out, it doubles with every level."""
    links = [f"fragment F{n} on Query {{ {part.replace('%', f'...F{n + 1}')} }}" for n in range(levels)]
    return " ".join(["{ ...F0 }", *links, f"fragment F{levels} on Query {{ caller {{ party }} }}"])


def nodes(selection: str) -> str:
    """A document that asks for something of clients."""
    return f"{{ clients {{ nodes {{ {selection} }} }} }}"


DOCUMENTS = {
    f"a fragment bomb of {LEVELS} levels": bomb(LEVELS, "% %"),
    f"an alias bomb of {LEVELS} levels": bomb(LEVELS, "a: caller { party } % b: caller { purpose } %"),
    "one alias too many": nodes(many(301, "a%: region")),
    "as many aliases as there may be": nodes(many(300, "a%: region")),
    "as many fields as there may be": nodes(many(998, "id")),
    "as many tokens as there may be": nodes(many(1_996, "...F")) + " fragment F on Client { id }",
    "as long as there may be": f'{{ node(id: "{"x" * 99_000}") {{ id }} }}',
}


def holds(app: ASGIApp, headers: Mapping[str, str], rounds: int) -> Mapping[str, tuple[str, Sequence[float]]]:
    """For each document what came of it, and for each round the longest that the loop was held, in milliseconds.

    The document is new each time. It is the processor's time of the loop's thread that counts.
    """
    found: dict[str, tuple[str, list[float]]] = {}
    numbers = itertools.count()
    with (
        watched(app) as (port, watch),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client,
    ):
        client.post("/graphql", content=b'{"query": "{ caller { party } }"}')
        for name, document in DOCUMENTS.items():
            taken = []
            for _ in range(rounds):
                body = json.dumps({"query": f"{document} # {next(numbers)}"})
                watch.forget()
                answer = client.post("/graphql", content=body)
                # The loop has looked up again since.
                client.get("/healthz")
                taken.append(watch.longest * 1_000)
            found[name] = (_outcome(answer), taken)
    return found


def _outcome(answer: httpx.Response) -> str:
    errors = answer.json().get("errors")
    return errors[0]["extensions"]["code"] if errors else HTTPStatus(answer.status_code).phrase


def show(console: Console, found: Mapping[str, tuple[str, Sequence[float]]]) -> None:
    """The table."""
    table = Table(
        title="How long a document that is sent for the first time holds the loop", title_justify="left"
    )
    for heading in ("document", "comes to", "median ms", "longest ms"):
        table.add_column(heading, justify="right" if "ms" in heading else "left")
    for name, (outcome, taken) in found.items():
        table.add_row(name, outcome, f"{statistics.median(taken):.1f}", f"{max(taken):.1f}")
    console.print(table)
