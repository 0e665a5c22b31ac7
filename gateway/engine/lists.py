"""Lists: completed together, their items as one level."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, Undefined
from graphql.pyutils import is_iterable

from gateway.engine.completion import FAILED, Column, Completer, Recorder, Site, failed, missing
from gateway.engine.places import Items, Place, Some


class ListOf:
    """Completes lists: the items of all parents' lists are one level."""

    def __init__(self, item: Completer, item_required: bool, site: Site) -> None:
        self.item = item
        self.item_required = item_required
        self._site = site
        self.waits = item.waits

    async def complete(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """See `Completer`."""
        lists = [self._list(run, value, place, index, required) for index, value in enumerate(values)]
        present = [index for index, value in enumerate(lists) if value is not None and value is not FAILED]
        whole = len(present) == len(lists)
        chosen = lists if whole else [lists[index] for index in present]
        lengths = list(map(len, chosen))
        flat = [item for items in chosen for item in items]
        items_place = Items(place if whole else Some(place, present), lengths)
        before = run.failures
        done = await self.item.complete(run, flat, items_place, self.item_required)
        may_fail = run.failures != before
        start = 0
        for index, length in zip(present, lengths, strict=True):
            lists[index] = self._gather(done[start : start + length], may_fail)
            start += length
        return lists

    def _list(self, run: Recorder, value: Any, place: Place, index: int, required: bool) -> Any:
        if isinstance(value, (list, tuple)):
            return value
        if value is None or value is Undefined:
            return missing(run, self._site, place, index) if required else None
        if value is FAILED:
            return FAILED
        if isinstance(value, Exception):
            return failed(run, value, self._site, place, index)
        try:
            return self._items(value)
        except Exception as error:
            return failed(run, error, self._site, place, index)

    def _items(self, value: Any) -> list[Any]:
        if is_iterable(value):
            return list(value)
        where = f"{self._site.parent}.{self._site.name}"
        raise GraphQLError(f"Expected Iterable, but did not find one for field '{where}'.")

    def _gather(self, items: Column, may_fail: bool) -> Any:
        if not may_fail:
            return list(items)
        if not self.item_required:
            return [None if item is FAILED else item for item in items]
        return FAILED if any(item is FAILED for item in items) else list(items)
