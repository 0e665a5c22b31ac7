"""The table of faults: every way in which partners are known to misbehave, what the gateway must do, what shows it.

A row is shown by cases, which `test_table.py` runs (a sandbox is told the fault, and pulled), by tests that it names,
or by both. What the product has no part for yet is said in `missing`, and counts as not shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.connector import Kind


@dataclass(frozen=True)
class Outcome:
    """How a pull must end, and what must be there then.

    `ends` is the kind of its error, None for a pull that comes to its end; `said` is in the error's text, or in the
    reasons of the records put aside where there are `letters`. `whole`: all rows are as without the fault at once.
    `heals`: they are after the next pull without it. Where both are false, rows differ as the partner's words did, but
    each is there, once.
    """

    ends: Kind | None = None
    said: str = ""
    letters: bool = False
    whole: bool = False
    heals: bool = True


WHOLE = Outcome(whole=True)
"""Nobody notices, but for the metrics."""

DIFFERS = Outcome(heals=False)
"""What the partner said is what there is."""


def ends(kind: Kind, said: str) -> Outcome:
    """The pull ends with an error, what came until then stays, and the next one goes on there."""
    return Outcome(kind, said)


def aside(said: str) -> Outcome:
    """Records are put aside with the reason, all others are in, and what is mended comes with the next pull."""
    return Outcome(letters=True, said=said)


@dataclass(frozen=True)
class Case:
    """A partner told to misbehave, the datasets then pulled (all, if none is named), and the outcome."""

    partner: str
    outcome: Outcome
    how: dict[str, Any] = field(default_factory=dict)
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One fault: its name, what the gateway must do, and what shows that it does."""

    fault: str
    must: str
    cases: tuple[Case, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str = ""


ONCE = {"count": 1}

LISTS = ("members", "orders", "shipments", "commissions", "products")
"""AliExpress's datasets, but for its messages, which come once and are gone when they are confirmed."""

THEIRS = ("users", "orders", "segments")
"""Mail.ru's, one of each kind of list."""


def _everywhere(outcome: Outcome, **how: Any) -> tuple[Case, ...]:
    """At each partner, on the calls of one small dataset."""
    return (
        Case("alibaba", outcome, how, ("members",)),
        Case("mailru", outcome, how, ("users", "segments")),
        Case("fund", outcome, how),
    )


def _passing(said: str, *partners: str) -> tuple[Case, ...]:
    """Where the fault passes, nobody notices; where it does not, which is shown at these, the pull ends."""
    for_good = [case for case in _everywhere(ends(Kind.TRANSIENT, said)) if case.partner in partners]
    return (*_everywhere(WHOLE, **ONCE), *for_good)


_DRIFTED = ends(Kind.DRIFT, r"^\d+ of \d+ records cannot be read: \w+ is [\w, ]+$")
_NO_ANSWER = r"^no answer from \w+: [\w ]+$|^too many calls failed; none is made for a while to \w+$"
_NO_JSON = r"is not JSON$|failed|answered HTTP|refused the call \(HTTP 5"

GENERIC_ROWS = (
    Row("hang", "Give up after the deadline, and try again.", _everywhere(WHOLE, **ONCE)),
    Row("slow", "Give up after the deadline, and try again.", _everywhere(WHOLE, **ONCE)),
    Row("drip", "Give up after the deadline, however many bytes came.", _everywhere(WHOLE, **ONCE)),
    Row("reset", "Try again what may be repeated.", _passing(_NO_ANSWER, "alibaba")),
    Row("lost", "Try again what may be repeated.", _passing(_NO_ANSWER)),
    Row("truncated", "Take no half answer; try again.", _passing(_NO_ANSWER, "mailru")),
    Row("cut", "Take no half answer for a whole one; try again.", _passing(_NO_JSON)),
    Row("html", "Take no page for an answer, whatever its status; try again.", _passing(_NO_JSON, "alibaba")),
    Row("empty", "Take nothing for no answer, and never for an empty list.", _passing(_NO_JSON, "fund")),
    Row("error", "Try again.", _passing(_NO_JSON, "fund")),
    Row("unavailable", "Try again.", _passing(_NO_JSON)),
    Row("nan", "It is no JSON; try again.", _passing(_NO_JSON, "mailru")),
    Row("deep-nesting", "It costs neither memory nor a stack; try again.", _passing(_NO_JSON)),
    Row(
        "flood",
        "Read no more than the most an answer may have.",
        _everywhere(ends(Kind.DRIFT, r"^an answer of more than \d+ bytes$")),
    ),
    Row("hostile-members", "Read what is agreed and nothing else.", _everywhere(WHOLE)),
    Row("duplicate-keys", "The last of two members counts, everywhere the same.", _everywhere(WHOLE)),
    Row(
        "duplicate-rows",
        "Keep each row once.",
        (Case("alibaba", WHOLE, {}, LISTS), Case("mailru", WHOLE, {}, THEIRS)),
    ),
    Row(
        "shuffled-rows",
        "Depend on no order within a page.",
        (Case("alibaba", WHOLE, {}, LISTS), Case("mailru", WHOLE, {}, THEIRS)),
    ),
    Row(
        "missing-rows",
        "Notice that rows are missing, and read them again.",
        (
            Case("alibaba", WHOLE, {"rate": 0.5, "count": 2, "seed": 1}, LISTS),
            Case("mailru", WHOLE, {"rate": 0.5, "count": 2, "seed": 1}, THEIRS),
        ),
    ),
    Row(
        "daylight-saving",
        "Read the hour that happens twice, or never, always the same way.",
        (
            Case("alibaba", DIFFERS, {}, LISTS),
            Case("mailru", DIFFERS, {}, THEIRS),
        ),
    ),
    Row(
        "field-drift",
        "Put aside what cannot be read; where that is most of a page, go no further until it can.",
        (
            Case("alibaba", _DRIFTED, {"path": "order.get", "seed": 6}, ("members", "orders")),
            Case("alibaba", _DRIFTED, {"path": "order.get", "seed": 2}, ("members", "orders")),
            Case("alibaba", DIFFERS, {"path": "order.get", "seed": 4}, ("members", "orders")),
            Case("mailru", _DRIFTED, {"path": "order/multi-get", "seed": 2}, ("users", "orders")),
            Case("mailru", _DRIFTED, {"path": "order/multi-get", "seed": 3}, ("users", "orders")),
        ),
    ),
    Row("wrong-clock", "Learn the partner's clock, and go by it.", _everywhere(WHOLE)),
    Row(
        "tls-stall",
        "Give up a handshake after the deadline.",
        tests=("tests/faults/test_handshake.py::test_a_handshake_that_stalls_is_given_up",),
    ),
)
