"""The demo: what it gives its visitors, and that a state folder of an older one keeps up."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.demo.run import callers
from gateway.demo.setting import FORM, TRUTH, WORLD, furnish, write_settings
from gateway.discovery import discover
from gateway.errors import SettingsError
from gateway.oauth.applications import applications
from gateway.oauth.users import users
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import empty_database


async def rights(settings: Settings) -> list[Any]:
    """Who holds which scopes for which purposes, and what proves it."""
    database = writer(settings.database)
    async with database.connect() as connection:
        held = applications.c.id, applications.c.scopes, applications.c.purposes, applications.c.secret_hash
        found = list(await connection.execute(select(*held)))
        mine = users.c.id, users.c.scopes, users.c.purposes, users.c.password_hash
        found += list(await connection.execute(select(*mine)))
    await database.dispose()
    return sorted(map(tuple, found), key=lambda row: row[0])


async def test_an_older_demo_gains_the_rights_that_were_declared_since(tmp_path: Path) -> None:
    """Its applications and people keep their secrets and passwords, and hold what a new demo's do."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    told = await callers(settings)
    new = await rights(settings)
    database = writer(settings.database)
    async with database.begin() as connection:
        for table in (applications, users):
            await connection.execute(update(table).values(scopes="clients:read", purposes="reporting"))
    await database.dispose()
    again = await callers(settings)
    assert await rights(settings) == new
    for kind, word in (("applications", "secret"), ("users", "password")):
        assert [each[word] for each in again[kind]] == [each[word] for each in told[kind]]


OLDER = """\
# Mine; it stays.
origin = "https://gateway.example"

[connectors.mailru]     # the sandbox
url = "http://127.0.0.1:8301"
access_token = "mine"

[connectors.alibaba]
url = "http://127.0.0.1:8300"
app_key = "k"
app_secret = "s"
access_token = "t"

[[issuers]]
name = "aliexpress"
"""


def test_older_settings_gain_what_they_lack_and_keep_what_they_have(tmp_path: Path) -> None:
    """Connectors that came later, and keys that theirs came to need; a second time, nothing."""
    path = tmp_path / "settings.toml"
    path.write_text(OLDER)
    write_settings(tmp_path, discover())
    text = path.read_text()
    found = tomllib.loads(text)
    assert [line for line in text.splitlines() if line in OLDER.splitlines()] == OLDER.splitlines()
    assert (found["origin"], found["issuers"]) == ("https://gateway.example", [{"name": "aliexpress"}])
    assert found["connectors"]["alibaba"] == tomllib.loads(OLDER)["connectors"]["alibaba"]
    assert found["connectors"]["mailru"]["access_token"] == "mine"
    for each in discover():
        assert found["connectors"][each.name].keys() == {"url", *each.settings}
    assert path.stat().st_mode & 0o777 == 0o600
    write_settings(tmp_path, discover())
    assert path.read_text() == text


def test_settings_that_nothing_can_be_added_to_are_told_and_kept(tmp_path: Path) -> None:
    """As where all connectors stand in one line."""
    path = tmp_path / "settings.toml"
    path.write_text(older := 'connectors = { cbr = { url = "http://127.0.0.1:8300" } }')
    with pytest.raises(SettingsError, match=r"write each connector as \[connectors.NAME\]"):
        write_settings(tmp_path, discover())
    assert path.read_text() == older


def test_what_a_later_connector_serves_is_added_for_the_same_households(tmp_path: Path) -> None:
    """What the others serve is not touched; where it is of an older form, all is made anew."""
    bank, cbr = (each for each in discover() if each.name in ("bank", "cbr"))
    folder = tmp_path / WORLD
    folder.mkdir()
    (folder / "cbr.db").write_bytes(b"as it was")
    (folder / "furnished.json").write_text(json.dumps({"form": FORM, "connectors": ["cbr"]}))
    (tmp_path / TRUTH).write_text(json.dumps({f"ALIBABA:{number}": number for number in range(20)}))
    furnish(tmp_path, [bank, cbr], lambda *_: None)
    assert (folder / "cbr.db").read_bytes() == b"as it was"
    assert len(set(json.loads((tmp_path / TRUTH).read_text()).values())) == 20
    with closing(sqlite3.connect(folder / "bank.db")) as books:
        [(customers,)] = books.execute("SELECT count(*) FROM customers")
    assert 0 < customers < 20
    (folder / "furnished.json").write_text('{"newest": "2018-01-01T00:00:00+00:00"}')
    furnish(tmp_path, [bank, cbr], lambda *_: None)
    assert (folder / "cbr.db").read_bytes() != b"as it was"
    done = (folder / "bank.db").stat()
    furnish(tmp_path, [bank, cbr], lambda *_: None)
    assert (folder / "bank.db").stat() == done
