"""Applications: the parties' OAuth clients, each with the scopes and purposes it may ask a token for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, Text, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import SettingsError
from gateway.oauth.redirects import registered
from gateway.oauth.registration import Known, check
from gateway.store.tables import Instant, instant, table

applications = table(
    "applications",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("secret_hash", Text),
    Column("scopes", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("authentication", Text, nullable=False, server_default="client_secret"),
    Column("grant_types", Text, nullable=False, server_default="client_credentials"),
    Column("redirect_uris", Text, nullable=False, server_default=text("''")),
    Column("jwks", Text),
    Column("strict_audience", Integer, nullable=False, server_default="0"),
    Column("dpop_required", Integer, nullable=False, server_default="0"),
    Column("trusted_only", Integer, nullable=False, server_default="0"),
    Column("cost_per_minute", Integer),
    Column("concurrency", Integer),
    Column("documents_version", Integer, nullable=False, server_default="0"),
)
"""Lists are separated by spaces; the first purpose is that of a token asked for without. `authentication` is
`client_secret` (Basic or in the form), `private_key_jwt` by the public keys in `jwks`, or `none` of a public client.
With `trusted_only` it may run its trusted documents alone; `documents_version` grows when those change.
`cost_per_minute` and `concurrency` (operations at a time) are null where the settings decide."""

_LISTS = ("scopes", "purposes", "grant_types", "redirect_uris")

AUTHENTICATION_METHODS: Mapping[str, tuple[str, ...]] = {
    "client_secret": ("client_secret_basic", "client_secret_post"),
    "private_key_jwt": ("private_key_jwt",),
    "none": ("none",),
}
"""What an application of each kind of `authentication` may authenticate with."""


@dataclass(frozen=True, slots=True)
class Application:
    """One row of `applications`; its methods are those by which Authlib knows an OAuth client."""

    id: str
    name: str
    party: str
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    secret_hash: str | None = field(default=None, repr=False)
    created_at: str = ""
    disabled_at: str | None = None
    authentication: str = "client_secret"
    grant_types: tuple[str, ...] = ("client_credentials",)
    redirect_uris: tuple[str, ...] = ()
    jwks: str | None = None
    strict_audience: int = 0
    dpop_required: int = 0
    trusted_only: int = 0
    cost_per_minute: int | None = None
    concurrency: int | None = None
    documents_version: int = 0

    def get_client_id(self) -> str:
        """Its id, the token's `client_id`."""
        return self.id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scopes a token gets: those asked for, all when none are, or None if one of them may not be had.

        None makes Authlib answer `invalid_scope`; a scope silently left out would surprise later.
        """
        asked = set(scope.split(" ")) if scope else set(self.scopes)
        return " ".join(sorted(asked)) if asked <= set(self.scopes) else None

    def check_client_secret(self, secret: str) -> bool:
        """Whether this is its secret, in a time that says nothing of how close it is."""
        return secrets.compare_digest(self.secret_hash or "", hash_secret(secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether it may authenticate in this way."""
        return method in AUTHENTICATION_METHODS[self.authentication]

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether a browser may be sent there with an answer for it."""
        return registered(redirect_uri, self.redirect_uris, native=self.authentication == "none")

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may use this grant."""
        return grant_type in self.grant_types


def new_secret() -> tuple[str, str]:
    """A secret, and its hash to keep."""
    secret = secrets.token_urlsafe(32)
    return secret, hash_secret(secret)


def hash_secret(secret: str) -> str:
    """SHA-256 in hex: a secret of 256 random bits needs no salt and no slow hash."""
    return sha256(secret.encode()).hexdigest()


async def add(
    connection: AsyncConnection,
    id: str,
    name: str,
    party: str,
    scopes: Sequence[str],
    purposes: Sequence[str],
    known: Known,
) -> str:
    """Add a service that authenticates by a secret, as most do; the secret is shown this once, kept only as a hash.

    Raises `SettingsError` as `register` does.
    """
    secret = await register(connection, Application(id, name, party, tuple(scopes), tuple(purposes)), known)
    assert secret is not None
    return secret


async def register(connection: AsyncConnection, application: Application, known: Known) -> str | None:
    """Add an application; its new secret, if that is how it is to authenticate.

    Raises `SettingsError` for an id that is malformed or taken, and for what is not known or does not go together.
    """
    check(application, known)
    secret, secret_hash = new_secret() if application.authentication == "client_secret" else (None, None)
    row = {each.name: getattr(application, each.name) for each in fields(application)}
    row |= {name: " ".join(dict.fromkeys(row[name])) for name in _LISTS}
    row |= {"secret_hash": secret_hash, "created_at": instant(datetime.now(UTC)), "disabled_at": None}
    try:
        await connection.execute(insert(applications).values(row))
    except IntegrityError:
        raise SettingsError(f"there is an application {application.id} already") from None
    return secret


async def find(connection: AsyncConnection, id: str) -> Application | None:
    """The application of that id, disabled or not."""
    return await connection.run_sync(lookup, id)


async def list_all(connection: AsyncConnection) -> list[Application]:
    """All applications by id, the disabled ones among them."""
    rows = await connection.execute(select(applications).order_by(applications.c.id))
    return [_application(row) for row in rows]


def lookup(connection: Connection, id: str) -> Application | None:
    """`find` for Authlib, which knows no await."""
    row = connection.execute(select(applications).where(applications.c.id == id)).one_or_none()
    return None if row is None else _application(row)


def _application(row: Row[tuple[str, ...]]) -> Application:
    values: dict[str, Any] = dict(row._mapping)
    for name in _LISTS:
        values[name] = tuple(values[name].split())
    return Application(**values)
