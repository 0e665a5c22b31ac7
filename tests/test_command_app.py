"""`gateway app`: what it changes is at work at once, is in the audit trail, and shows no secret but once."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from gateway.store import database as database_module
from tests.assertions import claims, form, jwks, key, signed
from tests.conftest import ORIGIN, empty_database
from tests.test_command_line import Ended, Line, line

__all__ = ["line"]

SHOP = ("--name", "Shop", "--party", "ALIBABA", "--scope", "clients:read", "--purpose", "analytics")
COMMANDS = ("add", "list", "show", "set", "rotate-secret", "rotate-key", "disable", "enable")


class Administration:
    """`gateway app` on a state folder, and a gateway over the same."""

    def __init__(self, found: Line, settings: Settings) -> None:
        self.line = found
        self.settings = settings

    def run(self, *arguments: str) -> Ended:
        """A command that succeeds."""
        found = self.line.run("app", *arguments)
        assert (found.code, found.errors) == (0, "")
        return found

    def json(self, *arguments: str) -> Any:
        """What a command says to a machine."""
        return json.loads(self.run(*arguments, "--json").output)

    def ask(self, headers: dict[str, str] | None = None, **parameters: str) -> httpx.Response:
        """A token request to the gateway."""

        async def answer() -> httpx.Response:
            app = create_app(self.settings)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client,
            ):
                data = {"grant_type": "client_credentials", **parameters}
                return await client.post("/oauth/token", data=data, headers=headers)

        return asyncio.run(answer())

    def audited(self) -> list[tuple[str, str, str, Any]]:
        """Actor, action, subject and details of all entries."""
        with closing(sqlite3.connect(self.settings.database)) as database:
            rows = database.execute("SELECT actor, action, subject, details FROM audit_entries ORDER BY id")
            return [(actor, action, subject, json.loads(details)) for actor, action, subject, details in rows]


@pytest.fixture
def at(line: Line) -> Administration:
    """A gateway without applications."""
    settings = Settings(state=line.state, origin=ORIGIN)
    asyncio.run(empty_database(settings))
    return Administration(line, settings)


def keys(folder: Path, content: str | bytes) -> str:
    """A file with that in it."""
    file = folder / "keys"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


def test_an_application_is_added_and_asks_for_a_token(at: Administration) -> None:
    added = at.json("add", "shop", *SHOP)
    assert added.keys() == {"id", "authentication", "secret"}
    answer = at.ask(client_id="shop", client_secret=added["secret"])
    assert (answer.status_code, answer.json()["scope"]) == (200, "clients:read")
    shown = at.json("show", "shop")
    assert (shown["authentication"], shown["grants"]) == ("client_secret", ["client_credentials"])
    assert at.json("list") == [shown]


def test_people_are_shown_a_table(at: Administration) -> None:
    """With the secret whole, on one line, to be copied."""
    output = at.run("add", "shop", *SHOP).output
    [secret] = [text.split()[1] for text in output.splitlines() if text.startswith("secret")]
    assert at.ask(client_id="shop", client_secret=secret).status_code == 200
    listed = at.run("list").output
    assert "shop" in listed
    assert "clients:read" in listed
    assert "ALIBABA" in at.run("show", "shop").output


def test_a_secret_is_shown_once_and_is_in_no_list_and_no_trail(at: Administration) -> None:
    """A20."""
    secrets = [at.json("add", "shop", *SHOP)["secret"], at.json("rotate-secret", "shop")["secret"]]
    said = at.run("list").output + at.run("show", "shop").output
    said += json.dumps([at.json("list"), at.json("show", "shop"), at.audited()])
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in at.settings.database.read_bytes()


@pytest.mark.parametrize("kind", ["JWK Set", "JWK", "PEM"])
def test_an_application_with_a_public_key_asks_for_a_token(
    at: Administration, tmp_path: Path, kind: str
) -> None:
    """The key as whatever file its owner has."""
    pair = key("EC")
    content: str | bytes = {
        "JWK Set": jwks(pair),
        "JWK": json.dumps(pair.as_dict(private=False)),
        "PEM": pair.as_pem(private=False),
    }[kind]
    added = at.json("add", "batch", *SHOP, "--public-key", keys(tmp_path, content), "--strict-audience")
    assert added == {"id": "batch", "authentication": "private_key_jwt"}
    shown = at.json("show", "batch")
    assert (shown["keys"], shown["strict_audience"]) == ([pair.thumbprint()], True)
    for audience, status in ((f"{ORIGIN}/oauth", 200), (f"{ORIGIN}/oauth/token", 400)):
        assertion = signed({"alg": "ES256"}, claims(aud=audience), pair)
        assert at.ask(**form(assertion)).status_code == status


def test_a_key_is_replaced(at: Administration, tmp_path: Path) -> None:
    at.run("add", "batch", *SHOP, "--public-key", keys(tmp_path, jwks(key("EC"))))
    new = key("EC", None, 1)
    changed = at.json("rotate-key", "batch", "--public-key", keys(tmp_path, jwks(new)))
    assert changed == {"id": "batch", "keys": [new.thumbprint()]}
    for pair, status in ((new, 200), (key("EC"), 400)):
        assertion = signed({"alg": "ES256"}, claims(aud=f"{ORIGIN}/oauth"), pair)
        assert at.ask(**form(assertion)).status_code == status


def test_a_secret_is_replaced(at: Administration) -> None:
    old = at.json("add", "shop", *SHOP)["secret"]
    new = at.json("rotate-secret", "shop")["secret"]
    assert at.ask(client_id="shop", client_secret=new).status_code == 200
    assert at.ask(client_id="shop", client_secret=old).status_code == 400


def test_a_disabled_application_gets_no_token_until_it_is_enabled(at: Administration) -> None:
    """A17; what it has ends as well, by a revocation in the same transaction."""
    secret = at.json("add", "shop", *SHOP)["secret"]
    for action, status in (("disable", 400), ("enable", 200)):
        for _ in range(2):
            at.run(action, "shop")
        assert at.ask(client_id="shop", client_secret=secret).status_code == status
        assert (at.json("show", "shop")["disabled_at"] is not None) is (action == "disable")
        with closing(sqlite3.connect(at.settings.database)) as database:
            assert [key for (key,) in database.execute("SELECT key FROM revocations")] == ["application:shop"]


def test_a_public_application_has_no_secret(at: Administration) -> None:
    back = "https://desk.example/back"
    added = at.json("add", "desk", *SHOP, "--public", "--redirect-uri", back, "--dpop-required")
    assert added == {"id": "desk", "authentication": "none"}
    shown = at.json("show", "desk")
    assert shown["grants"] == ["authorization_code", "refresh_token"]
    assert (shown["redirect_uris"], shown["dpop_required"]) == ([back], True)
    # By its id alone, nobody gets a token.
    assert at.ask(client_id="desk").json()["error"] == "invalid_client"


def test_grants_are_the_operators_to_choose(at: Administration) -> None:
    both = ("--grant", "client_credentials", "--grant", "authorization_code")
    at.run("add", "site", *SHOP, *both, "--redirect-uri", "https://site.example/back")
    assert at.json("show", "site")["grants"] == ["client_credentials", "authorization_code"]


def test_every_change_leaves_an_entry_and_no_question_does(at: Administration, tmp_path: Path) -> None:
    file = keys(tmp_path, jwks(key("EC")))
    at.run("add", "shop", *SHOP)
    at.run("add", "batch", *SHOP, "--public-key", file)
    at.run("list")
    at.run("show", "shop")
    at.run("rotate-secret", "shop")
    at.run("rotate-key", "batch", "--public-key", file)
    at.run("disable", "shop")
    at.run("enable", "shop")
    entries = at.audited()
    assert {actor for actor, *_ in entries} == {getpass.getuser()}
    assert [(action, subject) for _, action, subject, _ in entries] == [
        ("app add", "shop"),
        ("app add", "batch"),
        ("app rotate-secret", "shop"),
        ("app rotate-key", "batch"),
        ("app disable", "shop"),
        ("app enable", "shop"),
    ]
    assert entries[0][3]["scopes"] == ["clients:read"]
    assert entries[1][3]["keys"] == entries[3][3]["keys"] == [key("EC").thumbprint()]


def test_an_actor_without_a_name_is_a_number(at: Administration, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under whatever user id it was given."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    at.run("add", "shop", *SHOP)
    [(actor, *_)] = at.audited()
    assert actor == "uid 987654"


def test_what_cannot_be_done_is_one_line_and_does_nothing(at: Administration, tmp_path: Path) -> None:
    at.run("add", "shop", *SHOP)
    at.run("add", "batch", *SHOP, "--public-key", keys(tmp_path, jwks(key("EC"))))
    before = at.json("list"), at.audited()
    file = str(tmp_path / "keys")
    for arguments, said in (
        (("add", "shop", *SHOP), "there is an application shop already"),
        (("add", "Shop", *SHOP), "an application's id is"),
        (("add", "a", *SHOP, "--scope", "nonsense"), "no such scope: nonsense"),
        (("add", "a", *SHOP, "--purpose", "spying"), "no such purpose: spying"),
        (("add", "a", *SHOP[:2], "--party", "MEGAFON", *SHOP[4:]), "MEGAFON is not a party"),
        (("add", "a", *SHOP, "--grant", "password"), "no such grant: password"),
        (("add", "a", *SHOP, "--public"), "redirect URI"),
        (
            ("add", "a", *SHOP, "--public", "--redirect-uri", "http://a.example/"),
            "redirect URI 'http://a.example/'",
        ),
        (("add", "a", *SHOP, "--public", "--public-key", file), "not both"),
        (("add", "a", *SHOP, "--strict-audience"), "strict audience"),
        (("add", "a", *SHOP, "--public-key", "/nowhere"), "/nowhere cannot be read: No such file"),
        (("add", "a", *SHOP, "--public-key", str(tmp_path)), "cannot be read: Is a directory"),
        (("rotate-secret", "batch"), "does not authenticate by a secret"),
        (("rotate-key", "shop", "--public-key", file), "does not authenticate by a public key"),
        *(
            ((command, "nobody"), "there is no application nobody")
            for command in ("show", "rotate-secret", "disable", "enable")
        ),
        (("set", "nobody", "--trusted-only"), "there is no application nobody"),
        (("set", "shop"), "say what to set"),
        (("rotate-key", "nobody", "--public-key", file), "there is no application nobody"),
    ):
        assert said in at.line.refused("app", *arguments)
    assert (at.json("list"), at.audited()) == before


def test_what_an_application_may_do_can_be_changed(at: Administration) -> None:
    """What is not said stays; each change is in the audit trail."""
    at.run("add", "shop", *SHOP)
    assert at.json("show", "shop")["trusted_only"] is False
    assert at.json("set", "shop", "--trusted-only") == {"id": "shop", "trusted_only": True}
    assert at.json("show", "shop")["trusted_only"] is True
    at.run("set", "shop", "--no-trusted-only")
    assert at.json("show", "shop")["trusted_only"] is False
    changes = [details for _, action, _, details in at.audited() if action == "app set"]
    assert changes == [{"trusted_only": True}, {"trusted_only": False}]
    at.run("add", "kiosk", *SHOP, "--trusted-only")
    assert at.json("show", "kiosk")["trusted_only"] is True


def test_a_file_with_a_private_key_is_refused_and_not_shown(at: Administration, tmp_path: Path) -> None:
    """It is a secret of the application's, and would stand in the database from then on."""
    pair = key("EC")
    private = pair.as_dict(private=True)
    for content in (json.dumps(private), json.dumps({"keys": [private]}), pair.as_pem(private=True)):
        said = at.line.refused("app", "add", "a", *SHOP, "--public-key", keys(tmp_path, content))
        assert "private key" in said
        assert str(private["d"]) not in said
    assert at.json("list") == []


def test_a_busy_database_is_told(at: Administration, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is done by halves. (The wait is shortened: it is longer than a sync's transactions.)"""
    monkeypatch.setattr(database_module, "_PATIENCE", 0.1)
    monkeypatch.setattr(database_module, "UPGRADE_PATIENCE", 0.1)
    with closing(sqlite3.connect(at.settings.database, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        assert "busy" in at.line.refused("app", "add", "shop", *SHOP)
    assert at.json("list") == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_help_with_an_example(line: Line, name: str) -> None:
    """And does nothing when asked for it."""
    code, output, errors = line.run("app", name, "--help", COLUMNS="200")
    assert (code, errors) == (0, "")
    assert f"gateway app {name}" in output.split("Usage:")[1].partition("\n")[2]
    assert not line.state.exists()


def test_what_an_application_may_use_can_be_changed(at: Administration) -> None:
    """Nought gives it back to the settings; each change is in the audit trail, and lists say it to machines."""
    at.run("add", "shop", *SHOP, "--cost-per-minute", "5000")
    assert used(at) == (5000, None)
    said = at.json("set", "shop", "--cost-per-minute", "0", "--concurrency", "7")
    assert said == {"id": "shop", "cost_per_minute": None, "concurrency": 7}
    assert used(at) == (None, 7)
    [listed] = at.json("list")
    assert (listed["cost_per_minute"], listed["concurrency"]) == (None, 7)
    [added, changed] = [details for *_, details in at.audited()]
    assert (added["cost_per_minute"], added["concurrency"]) == (5000, None)
    assert changed == {"cost_per_minute": None, "concurrency": 7}
    for wrong in ("-1", "many", "1.5", str(10**13)):
        assert at.line.run("app", "set", "shop", "--cost-per-minute", wrong).code == 2
    assert used(at) == (None, 7)


def used(at: Administration) -> tuple[int | None, int | None]:
    """What is set for the shop."""
    shown = at.json("show", "shop")
    return shown["cost_per_minute"], shown["concurrency"]
