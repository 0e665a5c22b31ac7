"""`gateway agreements`, `grant`, `revoke`: the contract is the most there is, and what is revoked is gone at once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from gateway.access.agreements import CONTRACT, rights
from gateway.discovery import dataset_scopes, discover
from tests.exchange import Exchange, detail, exchange, refused
from tests.questions import (
    CLIENTS,
    LINES,
    ORDER_COUNTS,
    ORDERS,
    PAID_TO_ALIBABA,
    PAID_TO_MAILRU,
    SEGMENTS,
    Question,
    node,
)
from tests.test_command_line import Ended, Line, line

__all__ = ["line"]

OF_ALIBABA = ("--recipient", "MAILRU", "--owner", "ALIBABA")
OF_MAILRU = ("--recipient", "ALIBABA", "--owner", "MAILRU")
SHARED = [
    each
    for each in rights(CONTRACT, dataset_scopes(discover()))
    if each.recipient != each.owner in CONTRACT.parties
]

ADAS = [CLIENTS, ORDERS, ORDER_COUNTS, LINES, PAID_TO_ALIBABA, node("AlibabaOrder:ADA")]
CLARAS = [CLIENTS, ORDERS, ORDER_COUNTS, LINES, SEGMENTS, PAID_TO_MAILRU, node("PandaoOrder:CLARA")]
"""What Mail.ru is told of Ada at AliExpress, and Alibaba of Clara, who is Pandao's alone."""


@pytest.fixture
async def here(line: Line) -> AsyncIterator[Exchange]:
    """A gateway at work, on the state folder of the command line."""
    async with exchange(line.state, readers=2) as found:
        yield found


async def run(line: Line, *arguments: str) -> Ended:
    """A command, run beside the gateway."""
    ended = await asyncio.to_thread(line.run, *arguments)
    assert ended.code == 0, ended.errors
    return ended


async def told(here: Exchange, token: str, questions: Sequence[Question]) -> list[Any]:
    """What the bearer of a token is told now."""
    answers = [await here.ask(token, each.document) for each in questions]
    assert not any("errors" in answer for answer in answers)
    return [answer["data"] for answer in answers]


def entries(line: Line) -> list[tuple[str, str, Any]]:
    """The audit trail."""
    with closing(sqlite3.connect(line.state / "gateway.db")) as database:
        found = database.execute("SELECT action, subject, details FROM audit_entries ORDER BY id").fetchall()
    return [(action, subject, json.loads(details)) for action, subject, details in found]


# What is revoked is gone at once


@pytest.mark.parametrize(
    ("application", "parties", "questions", "dataset"),
    [
        ("pandao", OF_ALIBABA, ADAS, "orders"),
        ("pandao", OF_ALIBABA, ADAS, "accounts"),
        ("bazaar", OF_MAILRU, CLARAS, "orders"),
        ("bazaar", OF_MAILRU, CLARAS, "accounts"),
        ("bazaar", OF_MAILRU, CLARAS, "segments"),
    ],
)
async def test_what_is_revoked_is_gone_with_the_next_statement_and_granted_is_back(
    here: Exchange,
    line: Line,
    application: str,
    parties: Sequence[str],
    questions: list[Question],
    dataset: str,
) -> None:
    """For tokens that were given before, with details and without: lists, counts, sums, pages, orders by their id."""
    owner = parties[-1]
    own = [detail(party, "accounts", "orders") for party in ("ALIBABA", "MAILRU")]
    own += [detail("MAILRU", "segments")]
    tokens = [await here.token(application), await here.token(application, *own)]
    before = [await told(here, token, questions) for token in tokens]
    assert before[0] == before[1]

    await run(line, "revoke", *parties, "--dataset", dataset)
    after = [await told(here, token, questions) for token in tokens]
    assert after[0] == after[1] != before[0]
    rest = [
        each
        for each in rights(CONTRACT, dataset_scopes(discover()))
        if not _is(each, owner, dataset, parties[1])
    ]
    less = {(each.owner, each.dataset) for each in rest if each.recipient == parties[1]}
    narrow = here.gateway.token(parties[1], datasets=less)
    assert after[0] == await told(here, narrow, questions)

    await run(line, "grant", *parties, "--dataset", dataset)
    assert [await told(here, token, questions) for token in tokens] == before


def _is(right: Any, owner: str, dataset: str, recipient: str) -> bool:
    return (right.owner, right.dataset, right.recipient) == (owner, dataset, recipient)


async def test_nothing_of_another_party_is_left_when_all_is_revoked(here: Exchange, line: Line) -> None:
    """Named: no word of Clara, no order of Ada's on Pandao; a party's own data stay."""
    token = await here.token("bazaar")
    assert "CLARA" in str(await told(here, token, CLARAS))
    datasets = ("--dataset", "accounts", "--dataset", "orders", "--dataset", "segments")
    await run(line, "revoke", *OF_MAILRU, *datasets)
    after = await told(here, token, CLARAS)
    assert "CLARA" not in str(after)
    assert "Pandao" not in str(after)
    assert CLIENTS.read(after[0]) == (4, [f"{name} at ALIBABA" for name in ("ADA", "BORIS", "DINA", "ILYA")])
    assert after[-1] == {"node": None}


async def test_one_purpose_is_revoked_and_the_others_stay(here: Exchange, line: Line) -> None:
    tokens = [await here.token("bazaar", purpose=purpose) for purpose in ("analytics", "targeted_offers")]
    before = [await told(here, token, CLARAS) for token in tokens]
    datasets = ("--dataset", "accounts", "--dataset", "orders")
    await run(line, "revoke", *OF_MAILRU, *datasets, "--purpose", "analytics")
    after = [await told(here, token, CLARAS) for token in tokens]
    assert after[0] != before[0]
    assert after[1] == before[1]


async def test_a_right_that_is_withheld_cannot_be_asked_for_in_details(here: Exchange, line: Line) -> None:
    """And is not named among those that can."""
    ours = detail("ALIBABA", "orders")
    await run(line, "revoke", *OF_ALIBABA, "--dataset", "orders", "--purpose", "analytics")
    said = refused(await here.details("pandao", [ours]), "invalid_authorization_details")
    assert said.endswith(": ALIBABA accounts; MAILRU accounts, contacts, orders, profiles, segments.")
    assert (await here.details("pandao", [{**ours, "purpose": "demand_forecast"}])).status_code == 200
    await run(line, "grant", *OF_ALIBABA, "--dataset", "orders")
    assert (await here.details("pandao", [ours])).status_code == 200


async def test_what_is_revoked_stays_so_when_the_contract_is_written_anew(here: Exchange, line: Line) -> None:
    """By `gateway migrate`, at every start, and by every other command."""
    token = await here.token("pandao")
    await run(line, "revoke", *OF_ALIBABA, "--dataset", "orders", "--dataset", "accounts")
    gone = await told(here, token, ADAS)
    for _ in range(2):
        await run(line, "migrate")
        assert await told(here, token, ADAS) == gone
    await run(line, "revoke", *OF_MAILRU, "--dataset", "segments")
    assert await told(here, token, ADAS) == gone


# What the commands say


def test_the_agreements_are_listed_with_what_is_withheld(line: Line) -> None:
    """As a table for people, and as JSON with all that is known."""
    line.run("revoke", *OF_MAILRU, "--dataset", "segments", "--purpose", "analytics")
    found = json.loads(line.run("agreements", "--json").output)
    assert {(each["recipient"], each["owner"], each["dataset"], each["purpose"]) for each in found} == {
        (each.recipient, each.owner, each.dataset, each.purpose) for each in SHARED
    }
    [held] = [each for each in found if each["withheld_since"]]
    assert held == {
        "recipient": "ALIBABA",
        "owner": "MAILRU",
        "dataset": "segments",
        "purpose": "analytics",
        "scope": "mailru:segments",
        "withheld_since": held["withheld_since"],
    }
    table = line.run("agreements").output
    assert table.count("\n") > len(SHARED)
    assert held["withheld_since"] in table
    assert "…" not in table


def test_a_command_shows_what_it_named_as_it_is_now(line: Line) -> None:
    named = ("--dataset", "orders", "--purpose", "analytics", "--purpose", "targeted_offers")
    for command, is_held in (("revoke", True), ("grant", False)):
        found = json.loads(line.run(command, *OF_ALIBABA, *named, "--json").output)
        assert [each["purpose"] for each in found] == ["analytics", "targeted_offers"]
        assert [each["withheld_since"] is not None for each in found] == [is_held, is_held]
    assert "targeted_offers" in line.run("revoke", *OF_ALIBABA, *named).output


def test_each_change_is_in_the_audit_trail_and_nothing_else_is(line: Line) -> None:
    """What was withheld already, or is in force, is no change; its date stays."""
    orders = ("--dataset", "orders")
    line.run("revoke", *OF_ALIBABA, *orders, "--purpose", "analytics")
    since = line.run("agreements", "--json").output
    line.run("revoke", *OF_ALIBABA, *orders, "--purpose", "analytics")
    assert line.run("agreements", "--json").output == since
    line.run("revoke", *OF_ALIBABA, *orders)
    line.run("grant", *OF_ALIBABA, *orders)
    line.run("grant", *OF_ALIBABA, *orders)
    line.run("agreements")
    subject = "MAILRU of ALIBABA"
    others = ["demand_forecast", "targeted_offers"]
    assert entries(line) == [
        ("revoke", subject, {"rights": [["orders", "analytics"]]}),
        ("revoke", subject, {"rights": [["orders", each] for each in others]}),
        ("grant", subject, {"rights": [["orders", each] for each in ["analytics", *others]]}),
    ]


@pytest.mark.parametrize("command", ["grant", "revoke"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--recipient", "MEGAFON", "--owner", "ALIBABA", "--dataset", "orders"), "there are ALIBABA, "),
        (("--recipient", "ALIBABA", "--owner", "mailru", "--dataset", "orders"), "mailru is not a party"),
        (("--recipient", "RDIF", "--owner", "ALIBABA", "--dataset", "orders"), "RDIF nothing of ALIBABA's"),
        (
            (*OF_ALIBABA, "--dataset", "profiles"),
            "accounts, contacts, orders, products of ALIBABA's, not profiles",
        ),
        (
            (*OF_ALIBABA, "--dataset", "orders", "--dataset", "x"),
            "accounts, contacts, orders, products of ALIBABA's, not x",
        ),
        (
            (*OF_MAILRU, "--dataset", "orders", "--purpose", "demand_forecast"),
            "MAILRU's orders for analytics, targeted_offers, not for demand_forecast",
        ),
        ((*OF_MAILRU, "--dataset", "orders", "--purpose", "*"), "not for *"),
        (("--recipient", "RDIF", "--owner", "RDIF", "--dataset", "reports"), "own data"),
    ],
)
def test_what_is_not_in_the_contract_is_told_with_what_is(
    line: Line, command: str, arguments: Sequence[str], told: str
) -> None:
    """In one line, and nothing is done: no command goes beyond the contract or comes between a party and its own."""
    assert told in line.refused(command, *arguments)
    assert not (line.state / "gateway.db").exists()
