"""Following: tokens that follow from an authorization, for as long as it, the person and the application stand."""

from __future__ import annotations

import json

from authlib.oauth2.rfc6749.errors import InvalidGrantError
from sqlalchemy import Connection

from gateway.oauth.applications import Application
from gateway.oauth.authorizations import Authorization, bind
from gateway.oauth.details import granted
from gateway.oauth.grants import CONFIDENTIAL
from gateway.oauth.narrowing import narrow
from gateway.oauth.requests import TokenRequest
from gateway.oauth.users import User, lookup

PERSONAL = (*CONFIDENTIAL, "none")
"""How an application that acts for people authenticates; one on their devices cannot."""

ANY_PARTY = "*"
"""The party of an application that is the venture's own, and may act for people of every party."""


def serves(application: Application, person: User) -> bool:
    """Whether an application may act for a person: it is of the same party, or of all."""
    return application.party in (ANY_PARTY, person.party)


def follow(connection: Connection, request: TokenRequest, found: Authorization, first: bool) -> User:
    """Write on a token request what it is granted by an authorization; the person who gave it.

    `first` is the exchange of a code: its key becomes the authorization's. Raises `InvalidGrantError` where the
    authorization has ended, the person is disabled, the purpose was taken from either, or the key is another, and
    what `narrow` raises where more is asked for than was granted.
    """
    application: Application = request.client
    person = lookup(connection, found.user_id)
    if found.revoked_at is not None or person is None or person.disabled_at is not None:
        raise InvalidGrantError
    if not serves(application, person) or found.purpose not in set(application.purposes) & set(
        person.purposes
    ):
        raise InvalidGrantError
    _check_key(application, request.key, found.key, first)
    if first and found.key is None and request.key is not None:
        bind(connection, found.id, request.key)
    request.authorization, request.grant = found, found.id
    held = None if found.details is None else granted(json.loads(found.details))
    scopes = request.form["scope"].split(" ") if "scope" in request.form else found.scopes
    request.purpose, request.datasets = narrow(
        connection, request.form, person.party, scopes, [found.purpose], held
    )
    return person


def _check_key(application: Application, shown: str | None, bound: str | None, first: bool) -> None:
    """Hold a request to the key of its authorization (RFC 9449, 5 and 10).

    An application that authenticates may come with another key later, but not without one.
    """
    if bound is None or shown == bound:
        return
    if first or application.authentication == "none" or shown is None:
        raise InvalidGrantError
