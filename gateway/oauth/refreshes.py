"""Refreshes: tokens that bring the next access token without the person (RFC 6749, 6)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant
from sqlalchemy import Column, Connection, ForeignKey, Index, Text, delete, insert, update

from gateway.oauth.applications import Application, hash_secret
from gateway.oauth.authorizations import Authorization, authorization, end, with_authorization
from gateway.oauth.following import PERSONAL, follow
from gateway.oauth.users import User
from gateway.store.tables import Instant, instant, table

REFRESH_LIFETIME = timedelta(days=30)
"""How long after the consent an application that authenticates can refresh; then the person is asked again."""

PUBLIC_REFRESH_LIFETIME = timedelta(days=1)
"""The same for an application on the person's device, which cannot authenticate."""

refresh_tokens = table(
    "refresh_tokens",
    Column("digest", Text, primary_key=True),
    Column("authorization_id", Text, ForeignKey("authorizations.id"), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_refresh_tokens_authorization_id", "authorization_id"),
    Index("ix_refresh_tokens_expires_at", "expires_at"),
)
"""Refresh tokens, each by its SHA-256."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token at work; its methods are those by which Authlib knows one."""

    digest: str
    authorization: Authorization
    expires_at: str
    used_at: str | None

    def check_client(self, client: Application) -> bool:
        """Whether it is this application's."""
        return self.authorization.application_id == client.id

    def get_scope(self) -> str:
        """The scopes that were consented to."""
        return " ".join(self.authorization.scopes)


def issue_refresh_token(connection: Connection, found: Authorization, application: Application) -> str:
    """A refresh token of an authorization. It ends when the first one would have, however often it is renewed."""
    now = datetime.now(UTC)
    connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires_at < instant(now)))
    lifetime = PUBLIC_REFRESH_LIFETIME if application.authentication == "none" else REFRESH_LIFETIME
    token = secrets.token_urlsafe(32)
    row = {
        "digest": hash_secret(token),
        "authorization_id": found.id,
        "expires_at": instant(datetime.fromisoformat(found.created_at) + lifetime),
    }
    connection.execute(insert(refresh_tokens).values(row))
    return token


def find_refresh_token(connection: Connection, token: str) -> RefreshToken | None:
    """The refresh token, used and expired ones among them."""
    query = with_authorization(refresh_tokens).where(refresh_tokens.c.digest == hash_secret(token))
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    return RefreshToken(found.digest, authorization(found), found.expires_at, found.used_at)


def claim_refresh_token(connection: Connection, token: RefreshToken) -> bool:
    """Use a token up: True for one of those who try at once, in any worker."""
    unused = refresh_tokens.c.digest == token.digest, refresh_tokens.c.used_at.is_(None)
    used = update(refresh_tokens).where(*unused).values(used_at=instant(datetime.now(UTC)))
    return connection.execute(used).rowcount == 1


class Refresh(RefreshTokenGrant):  # type: ignore[misc]
    """The refresh token grant: never more than was consented to, and less where less is allowed by now."""

    TOKEN_ENDPOINT_AUTH_METHODS = PERSONAL

    request: Any

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        """The token, if it is good. One that was used before ends all that follow from the same consent."""
        found = find_refresh_token(self.server.connection, refresh_token)
        if found is None or not found.check_client(self.request.client):
            return None
        if found.used_at is not None:
            end(self.server.connection, found.authorization.id)
            return None
        return found if found.expires_at > instant(datetime.now(UTC)) else None

    def authenticate_user(self, refresh_token: RefreshToken) -> User:
        """The person who consented, if the authorization still stands; the request is granted what it says."""
        return follow(self.server.connection, self.request, refresh_token.authorization, first=False)

    def issue_token(self, user: User, refresh_token: RefreshToken) -> dict[str, Any]:
        """The next tokens, with the scopes of the consent that application and person may still have, or fewer."""
        application: Application = self.request.client
        held = [s for s in refresh_token.authorization.scopes if s in application.scopes and s in user.scopes]
        asked = self.request.form["scope"].split(" ") if "scope" in self.request.form else held
        if not asked or not set(asked) <= set(held):
            raise InvalidScopeError
        rotates = self._rotates(application)
        if rotates and not claim_refresh_token(self.server.connection, refresh_token):
            end(self.server.connection, refresh_token.authorization.id)
            raise InvalidGrantError
        scope = " ".join(sorted(set(asked)))
        token: dict[str, Any] = self.generate_token(user=user, scope=scope, include_refresh_token=rotates)
        return token

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Done already, before anything was issued."""

    def _rotates(self, application: Application) -> bool:
        """Whether the token is replaced: not where a thief could do nothing with it but lock the owner out (FAPI 2.0,
        5.3.2.1), for it goes with a key that the thief has not."""
        if application.authentication == "none":
            return True
        return self.request.key is None and self.request.auth_method != "private_key_jwt"
