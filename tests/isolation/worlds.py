"""Worlds: facts put together, and which of them a caller may see, said a second time and in other words.

`seen` is the reference: plain Python over the facts, that knows nothing of SQL, of views or of the gateway's own rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from sqlalchemy import Table

from gateway.clients.client import clients
from gateway.oauth.tokens import Caller
from tests.isolation.facts import Agreed, Consent, Fact, Record

NOW = "2026-01-01T00:00:00Z"
"""Any moment between those at which the drawn consents begin and end."""


def seen(world: Iterable[Fact], caller: Caller) -> frozenset[Record]:
    """The records a caller may see, as design and contract have it: own, or agreed and consented to.

    Of these only such as its token was narrowed to, if it was.
    """
    facts = list(world)
    held = [
        each.right
        for each in facts
        if isinstance(each, Agreed)
        and each.right.recipient == caller.party
        and each.right.purpose in ("*", caller.purpose)
        and each.right.scope in caller.scopes
        and (caller.datasets is None or (each.right.owner, each.right.dataset) in caller.datasets)
    ]
    free = {(right.owner, right.dataset) for right in held if not right.consent or right.dataset == "reports"}
    asking = {(right.owner, right.dataset) for right in held if right.consent}
    willing = {
        each.client
        for each in facts
        if isinstance(each, Consent)
        and (each.recipient, each.purpose) == (caller.party, caller.purpose)
        and each.since <= NOW < (each.until or "9999")
    }
    return frozenset(
        each
        for each in facts
        if isinstance(each, Record)
        and (
            (each.party, each.dataset) in free
            or ((each.party, each.dataset) in asking and each.client in willing)
        )
    )


def two_worlds(
    drawn: Iterable[Fact], one: list[Fact], other: list[Fact], random: Random, caller: Caller
) -> tuple[list[Fact], list[Fact]]:
    """Two worlds in which the caller sees what it sees in `drawn`: each has about half of what is hidden there, and
    what is hidden of its own."""
    facts = list({each.key: each for each in drawn}.values())
    visible = seen(facts, caller)
    grounds = [each for each in facts if each in visible or _is_ground(each, caller)]
    hidden = [each for each in facts if each not in grounds]
    halves = ([each for each in hidden if random.random() < 0.5] for _ in range(2))
    first, second = (
        _filled(grounds, [*half, *own], caller) for half, own in zip(halves, (one, other), strict=True)
    )
    return first, second


def _is_ground(fact: Fact, caller: Caller) -> bool:
    """Whether something may be visible because of it."""
    recipient = fact.right.recipient if isinstance(fact, Agreed) else getattr(fact, "recipient", None)
    return recipient == caller.party


def _filled(grounds: list[Fact], more: Iterable[Fact], caller: Caller) -> list[Fact]:
    """What is given, and of `more` what the caller cannot see and what shows it nothing new."""
    facts, keys = list(grounds), {each.key for each in grounds}
    visible = seen(grounds, caller)
    for each in more:
        if each.key not in keys and seen([*facts, each], caller) == visible:
            facts.append(each)
            keys.add(each.key)
    return facts


def rows(facts: Iterable[Fact]) -> dict[Table, list[dict[str, Any]]]:
    """All rows of a world, each once, by table; a client is there when anything is of it."""
    found: dict[Table, dict[Any, dict[str, Any]]] = {}
    for each in facts:
        mine = each.rows()
        client = getattr(each, "client", None)
        if client is not None:
            mine.append((clients, {"id": client}))
        for table, row in mine:
            found.setdefault(table, {})[tuple(row[key.name] for key in table.primary_key)] = row
    return {table: list(each.values()) for table, each in found.items()}
