"""What is asked of the parents below a field, so that a batch function fetches no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.engine.completion import Completer
from gateway.engine.lists import ListOf
from gateway.engine.objects import AbstractOf, ObjectOf
from gateway.engine.selection import Attribute, Batched


def asked_below(completer: Completer) -> dict[str, frozenset[str]]:
    """Per type, the attributes that are selected below, down to where another asynchronous batch function begins."""
    found: dict[str, set[str]] = {}
    pending: list[Any] = [completer]
    while pending:
        each = pending.pop()
        if isinstance(each, ListOf):
            pending.append(each.item)
        elif isinstance(each, ObjectOf):
            pending += _note_fields(each.selection, found)
        elif isinstance(each, AbstractOf):
            for selection in each.selections.values():
                if selection is not None:
                    pending += _note_fields(selection, found)
    return {name: frozenset(attributes) for name, attributes in found.items()}


def _note_fields(selection: Any, found: dict[str, set[str]]) -> list[Completer]:
    below: list[Completer] = []
    for each in selection.fields:
        attributes: Sequence[str] = ()
        if isinstance(each, Attribute):
            attributes = [each.attribute]
            below.append(each.completer)
        elif isinstance(each, Batched) and each.batch is not None:
            attributes = each.batch.needs
            if not each.batch.is_async:
                below.append(each.completer)
        for name in selection.names:
            found.setdefault(name, set()).update(attributes)
    return below
