"""`gateway issuer`: who of an outside issuer's is shut out is so in every worker within two seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.app import create_app
from gateway.oauth.blocks import blocking
from gateway.oauth.tokens import Caller
from gateway.settings import Settings
from tests.conftest import ORIGIN
from tests.door import CALLER, Door, opened
from tests.idp import Idp, _provider, idp, trust
from tests.test_command_app import Administration
from tests.test_command_line import Line, line
from tests.trusted import within_the_bound

__all__ = ["_provider", "idp", "line"]

SETTINGS = """
[[issuers]]
name = "keycloak"
issuer = "{}"
algorithms = ["ES256"]
party = "ALIBABA"
purpose = "analytics"
scopes = ["clients:read"]
"""


@pytest.fixture
def at(line: Line, idp: Idp) -> Administration:
    """A gateway that trusts an issuer."""
    line.state.mkdir(exist_ok=True)
    (line.state / "settings.toml").write_text(SETTINGS.format(idp.issuer))
    assert line.run("migrate").code == 0
    return Administration(line, Settings(state=line.state, origin=ORIGIN, issuers=(trust(idp),)))


@pytest.fixture
def workers(at: Administration) -> Iterator[tuple[Door, Door]]:
    """Two workers over its database."""
    one, other = create_app(at.settings), create_app(at.settings)
    with opened(one, at.settings) as first, opened(other, at.settings) as second:
        yield first, second


def issuer(at: Administration, *arguments: str) -> Any:
    """What a command says to a machine."""
    found = at.line.run("issuer", *arguments, "--json")
    assert (found.code, found.errors) == (0, "")
    return json.loads(found.output)


@pytest.mark.parametrize(
    "named", [("--application", "insights"), ("--user", "ada"), ()], ids=["application", "user", "issuer"]
)
def test_who_is_blocked_is_refused_until_it_is_undone(
    at: Administration, workers: tuple[Door, Door], idp: Idp, named: tuple[str, ...]
) -> None:
    """With the tokens that it has and with new ones; nobody else is."""

    def passes(door: Door, **claims: Any) -> bool:
        answer = door.post(CALLER, authorization=f"Bearer {token if not claims else idp.token(**claims)}")
        assert answer.status_code in (200, 401)
        return bool(answer.status_code == 200)

    def everywhere(holds: Callable[[Door], bool]) -> None:
        within_the_bound(lambda: all(holds(door) for door in workers))

    token = idp.token()
    assert passes(workers[0])
    assert passes(workers[1])
    assert issuer(at, "block", "keycloak", *named)["blocked"] is True
    everywhere(lambda door: not passes(door))
    assert not passes(workers[0], jti="2")
    assert passes(workers[0], client_id="other", sub="olga") is bool(named)
    assert workers[0].post(CALLER).status_code == 200
    issuer(at, "unblock", "keycloak", *named)
    everywhere(passes)


def test_blocks_are_listed_with_their_issuers(at: Administration, idp: Idp) -> None:
    """Each change is in the audit trail, and what changes nothing is not."""
    issuer(at, "block", "keycloak", "--application", "a:b")
    issuer(at, "block", "keycloak", "--application", "a:b")
    issuer(at, "block", "keycloak", "--user", "ada")
    listed = issuer(at, "list")
    assert [(each["name"], each["issuer"], each["blocked"]) for each in listed] == [
        ("keycloak", idp.issuer, None),
        ("keycloak", idp.issuer, "application:keycloak:a:b"),
        ("keycloak", idp.issuer, "user:keycloak:ada"),
    ]
    assert "user:keycloak:ada" in at.line.run("issuer", "list").output
    issuer(at, "unblock", "keycloak", "--user", "ada")
    assert [entry[1:3] for entry in at.audited()] == [
        ("issuer block", "application:keycloak:a:b"),
        ("issuer block", "user:keycloak:ada"),
        ("issuer unblock", "user:keycloak:ada"),
    ]


def test_refusals_name_what_is_wrong(at: Administration) -> None:
    for arguments, said in (
        (("block", "nobody"), "the settings have no issuer nobody"),
        (("block", "keycloak", "--user", "a", "--application", "b"), "not both"),
        (("unblock", "keycloak", "--user", "a"), "user:keycloak:a is not blocked"),
        (("unblock", "gone"), "issuer:gone is not blocked"),
    ):
        assert said in at.line.refused("issuer", *arguments)
    assert at.audited() == []


def test_no_caller_of_our_own_can_be_blocked_so() -> None:
    """Its application's id has no colon; nor is a service of theirs taken for a person."""
    assert blocking(Caller("ALIBABA", "shop", frozenset(), "analytics", user="li@x")) == ()
    keys = blocking(Caller("ALIBABA", "keycloak:shop", frozenset(), "analytics"))
    assert keys == ("issuer:keycloak", "application:keycloak:shop", "user:")


@pytest.mark.parametrize("name", ["list", "block", "unblock"])
def test_each_command_has_its_help_with_an_example(line: Line, name: str) -> None:
    code, output, errors = line.run("issuer", name, "--help", COLUMNS="200")
    assert (code, errors) == (0, "")
    assert f"gateway issuer {name}" in output.split("Usage:")[1].partition("\n")[2]
