"""Bodies: what faults make of an answer's JSON, or of a file's CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

Change = Callable[[Any, Random], Any]
"""Makes another document of one; a text is JSON already written, which need not be any."""

MEANINGFUL = ("__proto__", "constructor", "__class__", "__init__", "toString")
"""Names of members that mean something to a script."""

CANARY = "hostile-3f7a"
"""What hostile members hold; nothing of it has any business among the data."""

DEPTH = 100_000

_WALL = re.compile(r"\d{4}-\d\d-\d\d([ T])\d\d:(\d\d(?::\d\d)?)")
_EDGES = ("2017-11-05{}01:", "2017-03-12{}02:")
"""The hours that the US Pacific clock repeats and skips."""


def changed(body: bytes, change: str, chance: Random, sheet: bool = False) -> bytes:
    """The body as a fault leaves it: JSON, or CSV where it is a `sheet`; anything else stays as it is."""
    if sheet:
        header, *lines = body.decode().splitlines(keepends=True) or [""]
        document = LINES[change](lines, chance) if change in LINES and lines else lines
        return "".join([header, *document]).encode()
    try:
        document = json.loads(body)
    except ValueError:
        return body
    made = CHANGES[change](document, chance)
    return (made if isinstance(made, str) else json.dumps(made)).encode()


def rows(document: Any) -> list[Any]:
    """The rows of a document: its outermost list of objects, the longest of several; none where it has none."""
    level = [document]
    while level:
        if lists := [each for each in level if isinstance(each, list) and each and isinstance(each[0], dict)]:
            return max(lists, key=len)
        level = [inner for each in level for inner in _within(each)]
    return []


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _of_rows(change: Callable[[list[Any], Random], list[Any]]) -> Change:
    def within(document: Any, chance: Random) -> Any:
        if found := rows(document):
            found[:] = change(found, chance)
        return document

    return within


def _duplicated(found: list[Any], chance: Random) -> list[Any]:
    again = chance.sample(found, -(-len(found) // 5))
    return sorted([*found, *again], key=lambda each: found.index(each) + chance.choice((0, 2)))


def _missing(found: list[Any], chance: Random) -> list[Any]:
    gone = set(chance.sample(range(len(found)), -(-len(found) // 5)))
    return [each for number, each in enumerate(found) if number not in gone]


def _shuffled(found: list[Any], chance: Random) -> list[Any]:
    return chance.sample(found, len(found))


def _drifted(found: list[Any], chance: Random) -> list[Any]:
    inner = [_unwrapped(each) for each in found]
    name = chance.choice(sorted({name for each in inner for name in each}) or [""])
    way = chance.choice(("gone", "null", "renamed", "typed"))
    for each in inner:
        if name in each:
            value = each.pop(name)
            if way != "gone":
                each[f"{name}_v2" if way == "renamed" else name] = _other(value, way)
    return found


def _unwrapped(row: Any) -> dict[str, Any]:
    """The fields of a row, which may be wrapped in an object of one member."""
    only = next(iter(row.values())) if len(row) == 1 else None
    found: dict[str, Any] = only if isinstance(only, dict) else row
    return found


def _other(value: Any, way: str) -> Any:
    if way != "typed":
        return None if way == "null" else value
    return [value] if isinstance(value, (str, int, float)) else "N/A"


def _edged(found: list[Any], chance: Random) -> list[Any]:
    number, edge = chance.randrange(len(found)), chance.choice(_EDGES)
    text = _WALL.sub(lambda time: edge.format(time[1]) + time[2], json.dumps(found[number]))
    found[number] = json.loads(text)
    return found


def _with_members(document: Any, chance: Random) -> Any:
    return json.dumps(document, default=str) if not isinstance(document, (dict, list)) else _hostile(document)


def _hostile(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: {"admin": CANARY} for name in MEANINGFUL} | {
            name: _hostile(each) for name, each in value.items()
        }
    return [_hostile(each) for each in value] if isinstance(value, list) else value


def _twice(value: Any, chance: Random) -> str:
    """Each member twice, of which the last counts (RFC 8259, section 4, leaves that open)."""
    if isinstance(value, dict):
        first = [f"{json.dumps(name)}: {json.dumps(CANARY)}" for name in value]
        last = [f"{json.dumps(name)}: {_twice(each, chance)}" for name, each in value.items()]
        return "{" + ", ".join([*first, *last]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_twice(each, chance) for each in value) + "]"
    return json.dumps(value)


def _beside(member: str) -> Change:
    """A change that puts a member into the document's first object, or makes an object of what is none."""

    def put(document: Any, chance: Random) -> str:
        text = json.dumps(document if isinstance(document, dict) else {"items": document})
        return f'{{"total_count": {member}, {text[1:]}' if len(text) > 2 else f'{{"total_count": {member}}}'

    return put


def _no_number(document: Any, chance: Random) -> str:
    return str(_beside(chance.choice(("NaN", "Infinity", "-Infinity")))(document, chance))


CHANGES: Mapping[str, Change] = {
    "daylight-saving": _of_rows(_edged),
    "field-drift": _of_rows(_drifted),
    "duplicate-rows": _of_rows(_duplicated),
    "missing-rows": _of_rows(_missing),
    "shuffled-rows": _of_rows(_shuffled),
    "hostile-members": _with_members,
    "duplicate-keys": _twice,
    "nan": _no_number,
    "deep-nesting": _beside("[" * DEPTH + "]" * DEPTH),
}
"""What each fault makes of a JSON document."""

LINES: Mapping[str, Callable[[list[str], Random], list[str]]] = {
    "duplicate-rows": _duplicated,
    "missing-rows": _missing,
    "shuffled-rows": _shuffled,
}
"""What each fault makes of the lines below a CSV file's header."""
