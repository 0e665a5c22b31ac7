"""Paging: whole lists out of pages, in the three ways partners have of it; nothing lost and nothing given twice.

Lists change while they are read. What moves back behind an offset would be missed, so pages overlap, and where the
overlap does not fit the reading goes back until it does; what moves forward is seen again and left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

from gateway.errors import Kind, PartnerError

T = TypeVar("T")

Key = Callable[[Any], Hashable]
"""By what an item is known."""


class Page(NamedTuple):
    """A page as the partner sent it: its items, and how many the whole list has, where the partner says so."""

    items: Sequence[Any]
    total: int | None = None


class Part(NamedTuple):
    """A page reached by a cursor: its items, and the cursor of the next one, None at the end."""

    items: Sequence[Any]
    next: str | None


async def by_offset(
    fetch: Callable[[int], Awaitable[Page]], key: Key, start: int = 0
) -> AsyncIterator[list[Any]]:
    """The new items of each page of a list that is read from an offset; each begins with the last item known.

    Pages have two items at least. It ends at the stated total, or with a page in which that item is all there is.
    """
    seen: set[Hashable] = set()
    offset, back = start, 1
    while True:
        asked = max(start, offset - back)
        page = await fetch(asked)
        if asked > start and not any(key(item) in seen for item in page.items):
            # Something before this place is gone, and what came after it has moved up.
            back *= 2
            continue
        found = _new(page.items, key, seen)
        if found:
            yield found
        last = back == 1 and not found and len(page.items) == 1
        offset, back = asked + len(page.items), 1
        if last or not page.items or (page.total is not None and offset >= page.total):
            return


async def by_number(
    fetch: Callable[[int], Awaitable[Page]], key: Key, first: int = 1
) -> AsyncIterator[list[Any]]:
    """The new items of each page of a list whose pages have numbers; when the list gets shorter it goes back a page.

    It ends at the stated total, or without one at a page that brings nothing new. Without totals nobody can tell that a
    list got shorter: then the pull's own overlap has to bring what was missed.
    """
    seen: set[Hashable] = set()
    number, size, total = first, 0, None
    while True:
        page = await fetch(number)
        shorter = total is not None and page.total is not None and page.total < total
        total = page.total
        if shorter and number > first:
            number -= 1
            continue
        size = max(size, len(page.items))
        found = _new(page.items, key, seen)
        if found:
            yield found
        reached = (number - first) * size + len(page.items)
        if not page.items or (not found if total is None else reached >= total):
            return
        number += 1


async def by_cursor(
    fetch: Callable[[str | None], Awaitable[Part]], key: Key, cursor: str | None = None
) -> AsyncIterator[tuple[list[Any], str | None]]:
    """The new items of each page, and the cursor behind it. Raises `PartnerError` (DRIFT) for cursors in a circle."""
    seen: set[Hashable] = set()
    asked = {cursor}
    while True:
        part = await fetch(cursor)
        yield _new(part.items, key, seen), part.next
        cursor = part.next
        if cursor is None:
            return
        if cursor in asked:
            raise PartnerError(Kind.DRIFT, "the partner's cursors lead in a circle")
        asked.add(cursor)


async def ahead(source: AsyncGenerator[T, None]) -> AsyncIterator[T]:
    """The items of `source`, the next one on its way while the consumer works on the one it has."""
    coming = asyncio.ensure_future(anext(source, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(anext(source, None))
            # So that the call is out before the consumer begins.
            await asyncio.sleep(0)
            yield item
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await source.aclose()


def _new(items: Sequence[Any], key: Key, seen: set[Hashable]) -> list[Any]:
    found = []
    for item in items:
        if (known := key(item)) not in seen:
            seen.add(known)
            found.append(item)
    return found
