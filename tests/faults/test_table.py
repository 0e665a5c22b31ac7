"""Every fault of the table, told to the sandboxes at work behind a socket: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sandboxes.bodies import CANARY
from gateway.sandboxes.faults import GENERIC, SECONDS
from tests.faults.base import LATE, SOON, Base, Rows
from tests.faults.catalogue import LISTED
from tests.faults.street import Street, street
from tests.faults.table import GENERIC_ROWS, Case
from tests.partners import FOLDERS

ROOT = Path(__file__).parents[2]

TABLE = (*GENERIC_ROWS, *LISTED)
CASES = [
    pytest.param(row.fault, case, id=f"{row.fault}-{case.partner}-{number}")
    for row in TABLE
    for number, case in enumerate(row.cases)
]


class World:
    """The partners at work, and what a pull of each makes of it when nobody misbehaves."""

    def __init__(self, partners: Street, folder: Path) -> None:
        self.partners = partners
        self._folder = folder
        self._undisturbed: dict[tuple[str, ...], Rows] = {}

    def undisturbed(self, partner: str, *datasets: str) -> Rows:
        """All rows that a pull of these datasets makes."""
        key = (partner, *datasets)
        if key not in self._undisturbed:
            folder = self._folder / "-".join(key)
            folder.mkdir()
            base = Base(folder)
            assert asyncio.run(base.pull(self.partners, *key)) == []
            self._undisturbed[key] = base.rows()
        return self._undisturbed[key]


@pytest.fixture(scope="module")
def at_work(books: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All partners, for the whole module."""
    with street(books) as found:
        yield World(found, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def world(at_work: World) -> Iterator[World]:
    """The partners, well behaved until told otherwise."""
    yield at_work
    at_work.partners.forget()


@pytest.mark.parametrize(("fault", "case"), CASES)
def test_nothing_is_lost_and_nothing_doubled(world: World, tmp_path: Path, fault: str, case: Case) -> None:
    """The pull ends as the table says, and the next one, when the fault has passed, leaves nothing out."""
    whole = world.undisturbed(case.partner, *case.datasets)
    partners, outcome, base = world.partners, case.outcome, Base(tmp_path)
    partners.tell(case.partner, **{"fault": fault, **case.how})
    silent = SECONDS.keys() & {case.how.get("fault", fault)} - {"wrong-clock"}
    ended = asyncio.run(base.pull(partners, case.partner, *case.datasets, deadline=SOON if silent else LATE))
    assert partners.struck(case.partner), "the fault struck no call"

    assert {error.kind for error in ended} == ({outcome.ends} if outcome.ends else set()), ended
    letters = base.letters()
    said = [error.message for error in ended] + letters
    assert bool(letters) == outcome.letters, letters
    assert all(re.search(outcome.said, each) for each in said), said
    secrets = [*partners.keys[case.partner].values(), CANARY]
    assert not any(secret in each for secret in secrets for each in said)

    rows = base.rows()
    if outcome.whole:
        assert rows == whole
    if outcome.heals:
        assert all(set(found) <= set(whole[name]) for name, found in rows.items())
    partners.forget()
    assert asyncio.run(base.pull(partners, case.partner, *case.datasets)) == []
    assert base.letters() == letters
    rows = base.rows()
    if outcome.heals:
        assert rows == whole
    assert {name: len(found) for name, found in rows.items()} == {
        name: len(found) for name, found in whole.items()
    }


# The table itself


def test_every_fault_is_in_the_table_once() -> None:
    """Those of the list, those of any sandbox, and those that connectors declare."""
    rows = [row.fault for row in TABLE]
    numbered = [f"F{number:02}" for number in range(1, 53)]
    assert sorted(rows) == sorted([*GENERIC, *numbered])
    assert {fault for each in FOLDERS.values() for fault in each.faults} <= set(rows)


def test_each_row_is_shown_or_says_what_is_missing() -> None:
    """Tests that it names are there; and what the product has no part for is known by name."""
    for row in TABLE:
        assert row.must.endswith(".")
        assert row.cases or row.tests or row.missing
        for named in row.tests:
            path, _, test = named.partition("::")
            assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), named
    assert [row.fault for row in TABLE if row.missing] == ["F22"]
