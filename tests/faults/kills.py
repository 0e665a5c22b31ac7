"""`python -m tests.faults.kills [100]`: `gateway sync` killed at so many random moments, as by a power cut.

A process is killed some milliseconds after some call to a partner, and the next goes on; one that gets to its end must
have made the rows that an undisturbed round makes, and all begins anew. It takes about a second a kill, and so the
suite does it a few times only (`test_sync_failures.py`).
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress

from gateway.secrets import secret
from tests.partners import FOLDERS, small_purchases
from tests.processes import command, forked
from tests.venture import Venture, venture

DECLARED = ("agreements", "sync_runs")
"""Tables that a start fills; a round alone does not."""


async def killed(disturbed: Venture, call: int = 0, after: float = 0, once: str = "") -> bool:
    """Run `gateway sync` and kill it so many seconds after a certain call to a partner; whether it got no further.

    With `once`, a statement, that is the first call at which it finds rows.
    """
    loop = asyncio.get_running_loop()
    process = forked(command, disturbed.state, "sync")

    def strike(number: int) -> None:
        if disturbed.ask(once) if once else number == call:
            loop.call_later(after, process.kill)

    disturbed.meddle = strike
    await asyncio.to_thread(process.join)
    disturbed.meddle = lambda number: None
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


async def undisturbed(folder: Path, books: Path, like: Venture) -> Venture:
    """What a single round makes of the same books with the same secret."""
    async with venture(folder / "undisturbed", books) as found:
        shutil.copy(like.state / "linking.key", found.state)
        await found.round()
    return found


async def trial(folder: Path, books: Path, kills: int, draw: random.Random, progress: Progress) -> int:
    """Kill syncs of one state folder until one gets to its end, or so many were killed; how many were."""
    done = 0
    async with venture(folder / "disturbed", books) as disturbed, venture(folder / "other", books) as other:
        for each in (disturbed, other):
            each.write_settings()
        assert secret(disturbed.state / "linking.key")
        shutil.copy(disturbed.state / "linking.key", other.state)
        assert not await killed(other)
        while done < kills and await killed(
            disturbed, disturbed.calls + draw.randint(1, other.calls), draw.uniform(0, 0.04)
        ):
            done += 1
            progress.advance(progress.task_ids[0])
        assert not await killed(disturbed)
        made, expected = (each.rows("sync_runs", "partner_events") for each in (disturbed, other))
        assert made == expected
        # What became of an event, and when, depends on who had it when it was killed, and on what was pulled first.
        events = "SELECT connector, key FROM partner_events ORDER BY key"
        assert disturbed.ask(events) == other.ask(events)
    return done


async def _main(kills: int) -> None:
    seed = random.randrange(2**32)
    draw, left, trials = random.Random(seed), kills, 0
    with TemporaryDirectory() as folder, Progress() as progress:
        progress.add_task("syncs killed", total=kills)
        books = Path(folder) / "books"
        books.mkdir()
        for each in FOLDERS.values():
            assert each.furnish is not None
            each.furnish(small_purchases(), books)
        while left:
            left -= await trial(Path(folder) / str(trials), books, left, draw, progress)
            trials += 1
    print(
        f"{kills} syncs were killed over {trials} state folders; each ended as an undisturbed one (seed {seed})"
    )


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]) if sys.argv[1:] else 100))
