"""A token that was narrowed sees what its party would see if the other agreements did not exist, and never more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

from hypothesis import Phase
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.oauth.tokens import Caller
from gateway.store.queries import Query
from gateway.store.readers import Readers
from gateway.store.tables import NOBODY, metadata
from tests.isolation.facts import Agreed, Fact
from tests.isolation.fillings import CONTRACTS, filling
from tests.isolation.gateways import World
from tests.isolation.scenarios import EVERYTHING, Ask, draw_ask, draw_caller, draw_datasets
from tests.isolation.worlds import seen
from tests.test_isolation import try_scenarios


class Narrowing(NamedTuple):
    """A world, a caller whose token was narrowed, and what it asks."""

    world: list[Fact]
    caller: Caller
    asks: tuple[Ask, ...]

    @property
    def whole(self) -> Caller:
        """The same caller with all datasets."""
        return replace(self.caller, datasets=None)

    @property
    def less(self) -> list[Fact]:
        """The world in which nothing is agreed for the caller but what its token was narrowed to."""
        return [each for each in self.world if not isinstance(each, Agreed) or self._stays(each)]

    def _stays(self, fact: Agreed) -> bool:
        right = fact.right
        return right.recipient != self.caller.party or (right.owner, right.dataset) in (
            self.caller.datasets or ()
        )


def narrowing(seed: int, people: int) -> Narrowing:
    """The one of a seed."""
    random = Random(seed)
    who = replace(draw_caller(random), datasets=draw_datasets(random))
    drawn = [*CONTRACTS, *filling(random, people, who, 0.8)]
    world = list({each.key: each for each in drawn}.values())
    return Narrowing(world, who, (draw_ask(random), EVERYTHING))


NARROWINGS = st.builds(narrowing, st.integers(0, 2**64 - 1), st.integers(1, 5))


def test_what_is_left_out_might_as_well_not_be_agreed(tmp_path: Path) -> None:
    """Every answer is the same to the byte: data, errors, counts, cursors. And often it is another than before."""
    differs = []

    async def compare(drawn: Narrowing, worlds: tuple[World, World]) -> None:
        await worlds[0].become(drawn.world)
        await worlds[1].become(drawn.less)
        for each in drawn.asks:
            told = await worlds[0].told(drawn.caller, each)
            assert told == await worlds[1].told(drawn.whole, each)
        differs.append(told != await worlds[0].told(drawn.whole, EVERYTHING))

    try_scenarios(tmp_path, compare, 40, Phase.generate, Phase.shrink, drawn=NARROWINGS)
    assert sum(differs) > len(differs) / 4


def test_a_narrowed_token_never_sees_more(tmp_path: Path) -> None:
    """Of every table it is shown but rows that the same token without details is shown; so says the reference too."""
    fewer = []

    async def compare(drawn: Narrowing, worlds: tuple[World, World]) -> None:
        await worlds[0].become(drawn.world)
        pool = Readers(worlds[0].path, 1)
        await pool.open()
        for table in metadata.sorted_tables:
            if table.info["rows"] != NOBODY:
                query = Query(select(*table.primary_key))
                narrow, whole = [set(await pool.fetch(who, query)) for who in (drawn.caller, drawn.whole)]
                assert narrow <= whole, table.name
                fewer.append(narrow < whole)
        await pool.close()
        assert seen(drawn.world, drawn.caller) <= seen(drawn.world, drawn.whole)

    try_scenarios(tmp_path, compare, 40, Phase.generate, Phase.shrink, drawn=NARROWINGS)
    assert sum(fewer) > len(fewer) / 10
