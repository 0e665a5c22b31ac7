"""Pulse: what a worker measures of itself, and writes of what it counted, four times a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.background import beside
from gateway.telemetry import metrics, tallies

BEAT = 0.25
"""Seconds between two measurements."""


@asynccontextmanager
async def pulse(revocations_age: Callable[[], float]) -> AsyncIterator[None]:
    """Measure while the block runs: how late the event loop wakes up, and how old what is known of revocations is."""
    metrics.workers.set(1)
    try:
        async with beside(_beat(revocations_age)):
            yield
    finally:
        metrics.workers.set(0)
        tallies.write()


async def _beat(revocations_age: Callable[[], float]) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + BEAT
        await asyncio.sleep(BEAT)
        metrics.loop_lag_seconds.observe(max(0.0, clock() - due))
        metrics.revocations_age_seconds.set(revocations_age())
        tallies.write()
