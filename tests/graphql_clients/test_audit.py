"""GraphQL over HTTP, by the audit of those who write the specification."""

from __future__ import annotations

from tests.door import Door
from tests.graphql_clients.conftest import address
from tests.graphql_clients.node import play


def test_the_audit_of_graphql_http_finds_nothing(door: Door) -> None:
    """61 checks of npm's `graphql-http`: no error, no warning, not even a notice."""
    audits = play("audit.mjs", {"url": address(door), "token": door.token()})["audits"]
    assert [each for each in audits if each["status"] != "ok"] == []
    assert len({each["id"] for each in audits}) == 61


def test_the_audit_finds_what_is_wrong(door: Door) -> None:
    """Of a caller without a token it finds nothing right but the refusals."""
    audits = play("audit.mjs", {"url": address(door), "token": "x"})["audits"]
    assert {each["status"] for each in audits if each["name"].startswith("MUST")} >= {"error"}
