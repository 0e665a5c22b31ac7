"""Lists that change while they are read: nothing lost, nothing twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Kind, PartnerError
from gateway.upstream.paging import Page, Part, by_cursor, by_number, by_offset


class Shelf:
    """A list of numbers of which some go, and to which some come, between any two looks at it."""

    def __init__(self, size: int, changes: list[tuple[bool, int]], totals: bool = True) -> None:
        self.items = list(range(size))
        self.gone: set[int] = set()
        self._changes = changes
        self._totals = totals

    def page(self, offset: int, limit: int) -> Page:
        """What is there now."""
        found = Page(self.items[offset : offset + limit], len(self.items) if self._totals else None)
        if self._changes:
            removes, place = self._changes.pop(0)
            if removes and self.items:
                self.gone.add(self.items.pop(place % len(self.items)))
            elif not removes:
                self.items.insert(place % (len(self.items) + 1), 1_000 + place + 100 * len(self._changes))
        return found


CHANGES = st.lists(st.tuples(st.booleans(), st.integers(0, 99)), max_size=12)


@given(st.integers(0, 40), CHANGES, st.integers(2, 7), st.booleans())
@settings(max_examples=150, deadline=None)
async def test_an_offset_goes_back_to_what_it_knows(
    size: int, changes: list[tuple[bool, int]], limit: int, totals: bool
) -> None:
    """All that was there from the beginning to the end is found, once."""
    shelf = Shelf(size, changes, totals)

    async def fetch(offset: int) -> Page:
        return shelf.page(offset, limit)

    found = [item async for items in by_offset(fetch, lambda item: item) for item in items]
    assert len(found) == len(set(found))
    assert set(range(size)) - shelf.gone <= set(found)


@given(st.integers(0, 40), st.lists(st.integers(0, 99), max_size=6), st.integers(2, 7))
@settings(max_examples=100, deadline=None)
async def test_numbered_pages_are_gone_back_in_when_the_list_got_shorter(
    size: int, places: list[int], limit: int
) -> None:
    """Items that only go, one between any two looks."""
    shelf = Shelf(size, [(True, place) for place in places])

    async def fetch(number: int) -> Page:
        return shelf.page((number - 1) * limit, limit)

    found = [item async for items in by_number(fetch, lambda item: item) for item in items]
    assert len(found) == len(set(found))
    assert set(range(size)) - shelf.gone <= set(found)


async def test_cursors_lead_to_the_end_and_not_in_a_circle() -> None:
    """Items that two pages have are given once; a cursor that comes again is the partner's mistake."""
    pages = {None: Part([1, 2], "a"), "a": Part([2, 3], "b"), "b": Part([4], None)}

    async def fetch(cursor: str | None) -> Part:
        return pages[cursor]

    assert [part async for part in by_cursor(fetch, lambda item: item)] == [
        ([1, 2], "a"),
        ([3], "b"),
        ([4], None),
    ]
    pages["b"] = Part([5], "a")
    with pytest.raises(PartnerError) as caught:
        [part async for part in by_cursor(fetch, lambda item: item)]
    assert caught.value.kind is Kind.DRIFT
