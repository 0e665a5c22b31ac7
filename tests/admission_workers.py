"""What processes of the gateway's own do in the tests of admission, each a worker of one folder."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

from gateway.admission.ledger import Ledger
from gateway.admission.memory import Held, shared_memory
from tests.processes import command

BUDGET, MOST = 6_000, 3
"""What the application `shop` may use in a minute, and have at work."""


def hammer(folder: Path, number: int, seconds: float) -> None:
    """Begin and end operations as fast as they are admitted; leaves the moments and costs of all of them."""
    ledger, chance = Ledger(shared_memory(folder)), random.Random(number)
    done: list[tuple[float, float, int]] = []
    refused = 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if not ledger.enter("shop", Held.OPERATIONS, MOST):
            refused += 1
            continue
        began, estimated, actual = time.monotonic(), 0, 0
        cost = chance.randint(1, 100)
        if ledger.reserve("shop", cost, BUDGET)[0]:
            estimated, actual = cost, chance.randint(0, cost)
            time.sleep(chance.random() / 1000)
            done.append((began, time.monotonic(), actual))
        ledger.settle("shop", estimated, actual, BUDGET)
    ledger.memory.close()
    (folder / f"done-{number}").write_text(json.dumps({"done": done, "refused": refused}))


def hold(folder: Path, application: str, operations: int, cost: int) -> None:
    """Have operations at work until it is killed."""
    ledger = Ledger(shared_memory(folder))
    for _ in range(operations):
        assert ledger.enter(application, Held.OPERATIONS, 10**6)
        assert ledger.reserve(application, cost, 10**9)[0]
    assert ledger.enter(application, Held.CONNECTIONS, 10**6)
    (folder / "holding").touch()
    time.sleep(600)


def serve_quietly(state: Path, port: int) -> None:
    """`gateway serve`, whose log nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    command(state, "serve", "--port", str(port))
