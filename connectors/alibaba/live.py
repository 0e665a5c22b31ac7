"""Live answers: what AliExpress says while somebody waits, for all keys of a level at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from connectors.alibaba.members import PARTY
from gateway.connector import Access, Kind, PartnerError, Unreadable, Upstream

T = TypeVar("T")

NAME = PARTY.lower()
"""The connector's name."""

COST = 20
"""What it weighs to ask the partner about one thing: its quotas are for all callers together."""


async def answers(
    access: Access, keys: Sequence[str | None], ask: Callable[[Upstream, str], Awaitable[T]]
) -> list[T | Exception | None]:
    """What the partner says of each key, in order; None for None.

    Each key is asked for once, and all at the same time, as far as the partner's terms allow. What fails is an
    exception in its own place, and the others stand.
    """
    upstream = access.partner(NAME)
    wanted = list(dict.fromkeys(key for key in keys if key is not None))
    found = await asyncio.gather(*(_asked(ask, upstream, key) for key in wanted))
    by_key = dict(zip(wanted, found, strict=True))
    return [None if key is None else by_key[key] for key in keys]


async def _asked(ask: Callable[[Upstream, str], Awaitable[T]], upstream: Upstream, key: str) -> T | Exception:
    try:
        return await ask(upstream, key)
    except Unreadable as error:
        return PartnerError(Kind.DRIFT, str(error), partner=upstream.partner)
    except PartnerError as error:
        # What is read of an answer that was taken has no name by itself.
        error.partner = error.partner or upstream.partner
        return error
    except Exception as error:
        return error


def partner_id(id_: str) -> str:
    """The partner's own id in an id of ours."""
    return id_.partition(":")[2]
