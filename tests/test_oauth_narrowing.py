"""Narrowing what follows from an authorization: a later request may be for less than was granted, never for more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from sqlalchemy import Connection, create_engine, delete

from gateway.access.agreements import agreements
from gateway.oauth.details import Datasets, InvalidAuthorizationDetails, claim, granted
from gateway.oauth.narrowing import Narrowed, narrow
from gateway.settings import Settings
from tests.conftest import ALL_SCOPES, empty_database
from tests.exchange import detail

HELD = frozenset({("MAILRU", "orders"), ("MAILRU", "segments"), ("ALIBABA", "accounts")})


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    """One to a database with the agreements as they are declared."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    engine = create_engine(f"sqlite:///{settings.database}")
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def asked(*details: Any, **form: str) -> Mapping[str, str]:
    """The parameters of a request."""
    return {**form, "authorization_details": json.dumps(details)} if details else form


def follow(
    connection: Connection,
    form: Mapping[str, str],
    held: Datasets | None = HELD,
    purposes: Sequence[str] = ("analytics",),
    scopes: str = ALL_SCOPES["ALIBABA"],
) -> Narrowed:
    """What a request comes to that follows from an authorization of Alibaba's."""
    return narrow(connection, form, "ALIBABA", scopes.split(), purposes, held)


def test_without_details_all_stays_that_was_granted(connection: Connection) -> None:
    """As it was kept with the authorization."""
    kept = json.loads(json.dumps(claim(HELD, "analytics")))
    assert follow(connection, asked(), granted(kept)) == Narrowed("analytics", HELD)
    assert follow(connection, asked(purpose="analytics"), None) == Narrowed("analytics", None)


@pytest.mark.parametrize("held", [HELD, None])
def test_less_may_be_asked_for(connection: Connection, held: Datasets | None) -> None:
    """Also where nothing was narrowed before."""
    found = follow(connection, asked(detail("MAILRU", "orders")), held)
    assert found == Narrowed("analytics", frozenset({("MAILRU", "orders")}))


@pytest.mark.parametrize(
    "more",
    [
        [detail("MAILRU", "accounts")],
        [detail("MAILRU", "orders", "accounts")],
        [detail("MAILRU", "orders"), detail("ALIBABA", "accounts", "orders")],
        [detail("RDIF", "reports")],
    ],
)
def test_more_may_not_be_asked_for(connection: Connection, more: list[Any]) -> None:
    """A13: what was left out once is out, even where the agreements would allow it."""
    with pytest.raises(InvalidAuthorizationDetails) as refusal:
        follow(connection, asked(*more))
    assert refusal.value.description.endswith(": ALIBABA accounts; MAILRU orders, segments.")


def test_what_is_no_longer_agreed_may_not_be_asked_for_again(connection: Connection) -> None:
    connection.execute(delete(agreements).where(agreements.c.dataset == "segments"))
    with pytest.raises(InvalidAuthorizationDetails):
        follow(connection, asked(detail("MAILRU", "segments")))
    # What was granted stands as granted: the database looks at the agreements when it is used.
    assert follow(connection, asked()).datasets == HELD


def test_a_scope_that_was_given_up_takes_its_datasets_along(connection: Connection) -> None:
    with pytest.raises(InvalidAuthorizationDetails):
        follow(connection, asked(detail("MAILRU", "orders")), scopes="clients:read")


@pytest.mark.parametrize("purpose", ["targeted_offers", "reporting", "*", ""])
def test_the_purpose_is_the_one_that_was_consented_to(connection: Connection, purpose: str) -> None:
    """Neither the request nor its details change it."""
    with pytest.raises(InvalidRequestError):
        follow(connection, asked(purpose=purpose))
    with pytest.raises(InvalidAuthorizationDetails):
        follow(connection, asked(detail("MAILRU", "orders", purpose=purpose)))


def test_who_has_no_purpose_is_refused(connection: Connection) -> None:
    """Nothing is taken for a purpose that nobody has."""
    for form in (asked(), asked(purpose="analytics"), asked(detail("MAILRU", "orders", purpose="analytics"))):
        with pytest.raises(InvalidRequestError):
            follow(connection, form, purposes=())
