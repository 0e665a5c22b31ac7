"""`gateway user`: people are added, shown, disabled and given passwords, and each change is in the audit trail."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from tests.test_command_line import Ended, Line, line

__all__ = ["line"]

LI = "li.wei@alibaba"
WHO = ("--name", "Li Wei", "--party", "ALIBABA", "--scope", "clients:read", "--purpose", "analytics")
PASSWORD = "canary horse battery staple"


def entered(line: Line, monkeypatch: pytest.MonkeyPatch, *arguments: str, password: str = PASSWORD) -> Ended:
    """A command that reads a password from standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    return line.run("user", *arguments, "--password-stdin")


def rows(line: Line, query: str) -> list[tuple[Any, ...]]:
    """What is in the database."""
    with closing(sqlite3.connect(line.state / "gateway.db")) as database:
        return database.execute(query).fetchall()


def listed(line: Line) -> list[dict[str, Any]]:
    """`gateway user list --json`."""
    found: list[dict[str, Any]] = json.loads(line.run("user", "list", "--json").output)
    return found


@pytest.mark.usefixtures("true_passwords")
def test_a_person_is_added_shown_disabled_and_enabled(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change with its entry; a password is nowhere, neither shown nor kept."""
    steps: list[tuple[str, Sequence[str]]] = [
        ("add", WHO),
        ("disable", ()),
        ("enable", ()),
        ("set-password", ()),
    ]
    told = ""
    for command, more in steps:
        if command in ("add", "set-password"):
            ended = entered(line, monkeypatch, command, LI, *more)
        else:
            ended = line.run("user", command, LI, "--json")
            [one] = listed(line)
            assert (
                (one["disabled_at"] is not None)
                == (command == "disable")
                == json.loads(ended.output)["disabled"]
            )
        assert ended.code == 0, ended.errors
        told += ended.output + ended.errors
    [one] = listed(line)
    assert {name: one[name] for name in ("id", "name", "party", "scopes", "purposes")} == {
        "id": LI,
        "name": "Li Wei",
        "party": "ALIBABA",
        "scopes": ["clients:read"],
        "purposes": ["analytics"],
    }
    assert LI in line.run("user", "list").output
    entries = rows(line, "SELECT action, subject FROM audit_entries ORDER BY id")
    assert entries == [(f"user {command}", LI) for command, _ in steps]
    [(hash,)] = rows(line, "SELECT password_hash FROM users")
    assert hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    kept = b"".join(path.read_bytes() for path in line.state.glob("gateway.db*"))
    assert PASSWORD.encode() not in kept
    assert PASSWORD not in told + json.dumps(listed(line))
    assert hash not in told + json.dumps(listed(line))


@pytest.mark.parametrize(
    ("arguments", "password", "said"),
    [
        (("add", "Li Wei", *WHO), PASSWORD, "e-mail address"),
        (("add", "shop", *WHO), PASSWORD, "e-mail address"),
        (("add", LI, *WHO), "short", "12 to 256"),
        (("add", LI, *WHO), "aaaaaaaaaaaaaa", "guessed"),
        (("add", LI, *WHO), "x" * 257, "12 to 256"),
        (("add", LI, *WHO[:2], "--party", "MEGAFON", *WHO[4:]), PASSWORD, "MEGAFON"),
        (("add", LI, *WHO[:2], "--party", "*", *WHO[4:]), PASSWORD, "not a party"),
        (("add", LI, *WHO, "--scope", "clients:write"), PASSWORD, "clients:write"),
        (("add", LI, *WHO, "--purpose", "fun"), PASSWORD, "fun"),
        (("add", LI, "--name", " ", *WHO[2:]), PASSWORD, "name"),
        (("set-password", "nobody@alibaba"), PASSWORD, "no user nobody@alibaba"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    line: Line, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], password: str, said: str
) -> None:
    """And leaves nothing behind, nor says the password."""
    ended = entered(line, monkeypatch, *arguments, password=password)
    assert (ended.code, ended.errors.count("\n")) == (2, 1)
    assert said in ended.errors
    assert password not in ended.errors
    assert rows(line, "SELECT * FROM users") == rows(line, "SELECT * FROM audit_entries") == []


def test_a_person_is_there_once(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    assert entered(line, monkeypatch, "add", LI, *WHO).code == 0
    assert "already" in entered(line, monkeypatch, "add", LI, *WHO).errors


def test_without_a_terminal_a_password_is_not_waited_for(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a script it comes from standard input, and never from an argument, which everybody on the machine can read."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert "--password-stdin" in line.refused("user", "add", LI, *WHO)
    assert line.run("user", "add", LI, *WHO, "--password", PASSWORD).code == 2
