"""A partner that fails many calls is not asked much more often for it: retries stay under a fifth of the calls."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from gateway.connector import Kind, PartnerError, Request, Terms, Upstream
from gateway.upstream.budget import RESERVE
from gateway.upstream.http import Answer
from tests.faults.street import street

CALLS, CALLERS = 400, 20
RATE, SEED = 0.3, 338
"""Of this seed no twenty calls one after another fail so often that none would be made for a while."""


def accept(answer: Answer) -> bytes:
    """The body of a good answer."""
    if answer.status != 200:
        raise PartnerError(Kind.TRANSIENT, "the partner failed")
    return answer.body


async def test_tries_stay_under_a_fifth_more_than_the_calls(books: Path) -> None:
    """As the partner counts them, beyond the few that may be made at once: rather does a call fail."""
    answered = made = 0

    async def caller(upstream: Upstream) -> None:
        nonlocal answered, made
        while made < CALLS:
            made += 1
            with suppress(PartnerError):
                await upstream.read(lambda: Request("GET", "/fund/drop/index.json"), accept)
                answered += 1

    with street(books) as partners:
        partners.tell("fund", "unavailable", rate=RATE, seed=SEED)
        async with Upstream("fund", {"url": partners.address}, Terms(concurrency=CALLERS)) as upstream:
            await asyncio.gather(*(caller(upstream) for _ in range(CALLERS)))
        tries, failed = partners.partners["fund"].calls, partners.struck("fund")
    assert failed > 0.25 * tries
    assert answered == tries - failed
    assert made < tries <= 1.2 * made + RESERVE
    # Each call once more for each failure would have been too many.
    assert answered < 0.97 * made
