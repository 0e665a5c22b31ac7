"""Quality: how well accounts of different parties are linked, measured against the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clients.accounts import accounts


@dataclass(frozen=True, slots=True)
class Quality:
    """In pairs of accounts of different parties: those linked, those linked rightly, those that there are."""

    found: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """The share of found pairs that are right; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of true pairs that were found; 1 where there are none."""
        return self.right / self.true if self.true else 1.0


async def quality(connection: AsyncConnection, truth: Mapping[str, int]) -> Quality:
    """Compare the links with `truth`, the person behind each account; accounts it leaves out do not count."""
    rows = await connection.execute(select(accounts.c.id, accounts.c.party, accounts.c.client_id))
    known = [(row.id, row.party, row.client_id) for row in rows if row.id in truth]
    found = _pairs((party, account, client) for account, party, client in known if client is not None)
    true = _pairs((party, account, truth[account]) for account, party, _ in known)
    return Quality(len(found), len(found & true), len(true))


def _pairs(members: Iterable[tuple[str, str, int]]) -> set[tuple[str, str]]:
    """The pairs of accounts of different parties that have the same owner."""
    by_owner: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for party, account, owner in members:
        by_owner[owner].append((party, account))
    return {
        (left[1], right[1])
        for owned in by_owner.values()
        for left, right in combinations(sorted(owned), 2)
        if left[0] != right[0]
    }
