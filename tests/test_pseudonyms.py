"""Pairwise ids: reversible for their party alone, and under one secret however many processes start at once."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.access.pseudonyms import Pseudonyms, pseudonyms
from gateway.secrets import secret

KEYS = st.integers(0, 2**63 - 1)
PARTIES = st.sampled_from(["ALIBABA", "MAILRU", "RDIF", "", "Партия"])
HIDDEN = Pseudonyms(bytes(range(32)))


@given(PARTIES, st.lists(KEYS, max_size=50))
def test_what_is_hidden_is_revealed_to_its_party(party: str, keys: list[int]) -> None:
    """All at once as one by one; an id is 22 letters, digits, - and _."""
    ids = HIDDEN.hide(party, keys)
    assert [HIDDEN.reveal(party, each) for each in ids] == keys
    assert ids == [HIDDEN.hide(party, [key])[0] for key in keys]
    assert len(set(ids)) == len(set(keys))
    assert all(len(each) == 22 and each.replace("-", "").replace("_", "").isalnum() for each in ids)


@given(PARTIES, PARTIES, KEYS)
def test_an_id_is_its_partys_alone(one: str, other: str, key: int) -> None:
    """Another party's id of the same client differs, and says nothing to it."""
    assume(one != other)
    [id] = HIDDEN.hide(one, [key])
    assert HIDDEN.hide(other, [key]) != [id]
    assert HIDDEN.reveal(other, id) is None


@given(KEYS, KEYS, st.binary(min_size=32, max_size=32))
def test_an_id_is_its_secrets_alone(key: int, other: int, random: bytes) -> None:
    """An id of another venture, or of this one before its secret was lost, is no id."""
    assume(random != bytes(range(32)))
    assert HIDDEN.reveal("ALIBABA", Pseudonyms(random).hide("ALIBABA", [key])[0]) is None


@given(st.one_of(st.text(), st.text("ABCxyz019-_", min_size=22, max_size=22), st.binary().map(repr)))
@example("A" * 22)
@example("A" * 21 + "=")
@example("\ud800" * 22)
@example("=")
def test_what_is_no_id_reveals_nobody(text: str) -> None:
    """Without an exception, whatever the text."""
    assert HIDDEN.reveal("ALIBABA", text) is None


@given(KEYS, st.integers(0, 21), st.characters(codec="ascii"))
def test_an_id_is_one_text_only(key: int, place: int, letter: str) -> None:
    """With a letter changed, added or left out, or padded, it is none: so it can serve as a key of caches."""
    [id] = HIDDEN.hide("MAILRU", [key])
    for changed in (
        id[:place] + letter + id[place + 1 :],
        id + letter,
        id[:-1],
        f"{id}==",
        f" {id}",
        f"{id}\n",
    ):
        assert HIDDEN.reveal("MAILRU", changed) is None or changed == id


@given(st.lists(KEYS, min_size=2, max_size=20, unique=True))
def test_ids_say_nothing_about_the_order_or_the_size_of_keys(keys: list[int]) -> None:
    """Neighbours' ids share no long beginning, as those of one block of a cipher."""
    ids = HIDDEN.hide("ALIBABA", sorted(keys))
    assert all(one[:12] != other[:12] for one, other in pairwise(ids))


MAKE = """
import sys, time
from pathlib import Path
from gateway.secrets import secret
start = Path(sys.argv[1]) / "start"
print("ready", flush=True)
while not start.exists():
    pass
print(secret(Path(sys.argv[1]) / "state" / "pseudonyms.key").hex())
"""


def test_of_eight_processes_that_start_at_once_one_makes_the_secret(tmp_path: Path) -> None:
    """All have the same 32 bytes then, and nothing else is left lying about."""
    workers = [
        subprocess.Popen([sys.executable, "-c", MAKE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    (tmp_path / "start").touch()
    secrets = {worker.communicate(timeout=30)[0] for worker in workers}
    assert [worker.returncode for worker in workers] == [0] * 8
    assert len(secrets) == 1
    assert len(bytes.fromhex(secrets.pop())) == 32
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["pseudonyms.key"]


def test_the_secret_is_its_owners_alone_and_lasts(tmp_path: Path) -> None:
    """Mode 0600; a second start reads what the first one made, so that ids stay what they were."""
    ids = pseudonyms(tmp_path).hide("ALIBABA", [1, 2, 3])
    path = tmp_path / "pseudonyms.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert pseudonyms(tmp_path).hide("ALIBABA", [1, 2, 3]) == ids
    assert secret(path) == path.read_bytes()


def test_another_folder_has_another_secret(tmp_path: Path) -> None:
    """It is random, not derived from anything that two installations share."""
    assert secret(tmp_path / "a" / "key") != secret(tmp_path / "b" / "key")


@pytest.mark.parametrize("key", [-1, 2**64])
def test_a_key_that_is_none_is_refused(key: int) -> None:
    """Rather than hidden as something else."""
    with pytest.raises(OverflowError):
        HIDDEN.hide("ALIBABA", [key])
