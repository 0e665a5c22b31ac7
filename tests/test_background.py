"""Background: what goes on beside the requests ends when they do, and not in the middle of what must be whole."""

from __future__ import annotations

import asyncio

import pytest

from gateway.background import beside, whole


async def test_what_must_be_whole_is_done_to_its_end() -> None:
    """Though the block that it goes on beside has ended meanwhile."""
    begun, done = asyncio.Event(), asyncio.Event()

    async def reading() -> None:
        begun.set()
        await asyncio.sleep(0.01)
        done.set()

    async with beside(whole(reading())):
        await begun.wait()
        assert not done.is_set()
    assert done.is_set()


async def test_what_fails_in_the_whole_is_raised() -> None:
    """As if it had been awaited plainly."""

    async def reading() -> None:
        raise EOFError

    with pytest.raises(EOFError):
        await whole(reading())
