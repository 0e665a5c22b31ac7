"""`gateway keys`: what an operator is told, and what is kept of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.oauth.keyfile import State, fresh, read, write
from gateway.oauth.keys import key_file
from gateway.oauth.rotation import PUBLISHED, Rotation, replace_all, rotate
from tests.test_command_line import Line, line

__all__ = ["line"]


def entries(line: Line) -> list[tuple[str, str, object]]:
    """The audit trail: action, subject, state."""
    with closing(sqlite3.connect(line.state / "gateway.db")) as found:
        rows = found.execute("SELECT action, subject, details FROM audit_entries ORDER BY id").fetchall()
    return [(action, subject, json.loads(details)["state"]) for action, subject, details in rows]


def let_time_pass(state: Path) -> None:
    """Put the waiting key's time behind it."""
    keys = read(key_file(state))
    write(
        key_file(state),
        [
            key
            if key.due is None
            else type(key)(key.pair, key.state, key.since - PUBLISHED, key.due - PUBLISHED)
            for key in keys
        ],
    )


def test_a_rotation_step_by_step(line: Line) -> None:
    """The same command each time; it says what it did and when to come back."""
    [first] = read(key_file(line.state))
    code, said, _ = line.run("keys", "rotate")
    second = next(key.kid for key in read(key_file(line.state)) if key.state is State.NEXT)
    assert code == 0
    assert f"{second} is published; it may sign from 20" in said
    assert "Run this again from 20" in said
    _, said, _ = line.run("keys", "rotate")
    assert said.startswith("Nothing is due.\nRun this again from 20")
    let_time_pass(line.state)
    _, said, _ = line.run("keys", "rotate", "--age", "30")
    assert f"{second} signs now." in said
    assert f"{first.kid} signs no more; it is published until 20" in said
    assert entries(line) == [
        ("keys rotate", second, "next"),
        ("keys rotate", second, "current"),
        ("keys rotate", first.kid, "retired"),
    ]


def test_keys_are_listed_for_people_and_for_machines(line: Line) -> None:
    line.run("keys", "rotate")
    keys = read(key_file(line.state))
    _, table, _ = line.run("keys", "list")
    _, listed, _ = line.run("keys", "list", "--json")
    assert all(key.kid in table and key.state.value in table for key in keys)
    assert [(each["kid"], each["state"]) for each in json.loads(listed)] == [
        (key.kid, key.state.value) for key in keys
    ]
    for key in keys:
        private = key.pair.as_dict(private=True)["d"]
        assert private not in table + listed


def test_machines_are_told_what_changed_and_when_to_come_back(line: Line) -> None:
    _, said, _ = line.run("keys", "rotate", "--json")
    told = json.loads(said)
    [change] = told["changes"]
    assert (change["was"], change["now"]) == (None, "next")
    assert told["next_step"] == next(key["due"] for key in told["keys"] if key["state"] == "next")


def test_an_emergency_says_what_breaks(line: Line) -> None:
    line.run("keys", "rotate")
    before = {key.kid for key in read(key_file(line.state))}
    code, said, _ = line.run("keys", "rotate", "--now")
    [key] = read(key_file(line.state))
    assert code == 0
    assert key.kid not in before
    assert key.state is State.CURRENT
    assert f"{key.kid} signs now." in said
    assert all(f"{kid} is gone." in said for kid in before)
    assert "Every token issued until now is refused" in said
    assert len(entries(line)) == 4


def test_cron_changes_nothing_before_the_key_is_that_old(line: Line) -> None:
    """And leaves no entry for having done nothing."""
    line.run("migrate")
    before = key_file(line.state).read_bytes()
    code, said, _ = line.run("keys", "rotate", "--age", "1")
    assert (code, said) == (0, "Nothing is due.\n")
    assert key_file(line.state).read_bytes() == before
    assert entries(line) == []


@pytest.mark.parametrize("command", [("keys", "list"), ("keys", "rotate"), ("keys", "rotate", "--now")])
def test_a_damaged_file_is_told_in_one_line(line: Line, command: tuple[str, ...]) -> None:
    path = key_file(line.state)
    write(path, [fresh(State.RETIRED, 0, 0)])
    assert str(path) in line.refused(*command)


@pytest.mark.parametrize("command", [("keys", "rotate"), ("keys", "rotate", "--now")])
def test_no_key_changes_without_an_entry(line: Line, command: tuple[str, ...]) -> None:
    """Where the audit trail cannot be written, the keys stay, and no draft of others is left behind."""
    line.run("keys", "rotate")
    let_time_pass(line.state)
    before, trail = key_file(line.state).read_bytes(), entries(line)
    full = "BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    with closing(sqlite3.connect(line.state / "gateway.db")) as database:
        database.execute(f"CREATE TRIGGER full {full}")
        with pytest.raises(IntegrityError):
            line.run(*command)
        database.execute("DROP TRIGGER full")
    assert key_file(line.state).read_bytes() == before
    assert entries(line) == trail
    assert list(line.state.glob(".signing-key.*")) == []
    assert line.run(*command).code == 0
    assert key_file(line.state).read_bytes() != before


@pytest.mark.parametrize("change", [rotate, replace_all])
def test_what_is_recorded_is_on_the_disk_already(line: Line, change: Callable[..., Rotation]) -> None:
    """All that is left to do then is to give it its name; others who would change the file wait."""
    path = key_file(line.state)
    before, seen = [key.kid for key in read(path)], list[str]()

    def recorded(step: Rotation) -> None:
        assert [key.kid for key in read(path)] == before
        [draft] = line.state.glob(".signing-key.*")
        seen.extend(key.kid for key in read(draft))
        assert seen == [key.kid for key in step.keys]

    change(path, int(time.time()), record=recorded)
    assert [key.kid for key in read(path)] == seen
