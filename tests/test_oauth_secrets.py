"""Secrets: none that proves who one is, and no token, stands anywhere but with whom it was given to."""

from __future__ import annotations

import secrets
from pathlib import Path

from gateway.oauth.keyfile import read
from gateway.oauth.keys import key_file
from tests.door import Lines, log
from tests.inspection import Inspection, here
from tests.people import PASSWORD, SECRET, Flow

__all__ = ["here", "log"]


def stored(state: Path) -> bytes:
    """All that the state folder holds but the keys themselves."""
    return b"".join(
        file.read_bytes() for file in sorted(state.iterdir()) if file.name.startswith("gateway.db")
    )


async def test_no_secret_and_no_token_is_in_the_database_or_the_log(here: Inspection, log: Lines) -> None:
    """A20: after all that can be done with them, at every level of the log; a copy of either lets nobody in."""
    flow = Flow(here.http)
    code = await flow.code()
    tokens = (await flow.exchange(code)).json()
    again = (await flow.refresh(tokens["refresh_token"])).json()
    service, wrong = await here.service_token(), secrets.token_urlsafe(24)
    await here.show("introspect", "silent", service, client_secret=wrong)
    for token in (service, again["access_token"]):
        await here.told("other", token)
        assert await here.works(token)
    await here.revoke("shop", again["refresh_token"])
    await here.revoke("silent", service)
    state = here.gateway.settings.state
    private = [str(key.pair.as_dict(private=True)["d"]) for key in read(key_file(state))]
    session = [cookie.value or "" for cookie in here.http.cookies.jar]
    kept, said = stored(state), "\n".join(log.lines)
    assert b"silent" in kept
    assert "SELECT" in said or "select" in said, "the log was not taken"
    assert session
    given = [code, service, tokens["access_token"], tokens["refresh_token"], again["refresh_token"]]
    for secret in [*given, *private, *session, wrong, SECRET, PASSWORD]:
        # A token without its signature is none; with it, it is one wherever it stands.
        proof = secret.rpartition(".")[2]
        assert proof.encode() not in kept
        assert proof not in said
