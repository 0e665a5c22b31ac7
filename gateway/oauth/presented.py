"""Presented tokens: what an application shows the token service to be told about it, or to have it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from gateway.oauth import users
from gateway.oauth.applications import Application, lookup
from gateway.oauth.authorizations import end
from gateway.oauth.refreshes import RefreshToken, find_refresh_token
from gateway.oauth.revocations import is_revoked, revoke
from gateway.oauth.tokens import Caller
from gateway.store.tables import instant

Reader = Callable[[str], tuple[Caller, dict[str, Any]] | None]
"""Reads an access token: the caller it makes and its claims, or None for what is none of ours or has expired."""

_TOLD = (
    "iss",
    "aud",
    "client_id",
    "iat",
    "exp",
    "jti",
    "scope",
    "party",
    "purpose",
    "cnf",
    "authorization_details",
)
"""The claims that are told of an access token. Whom it is for is a person's own business: `sub` only of a service."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token that is ours and has not expired."""

    caller: Caller
    claims: dict[str, Any]

    def check_client(self, application: Application) -> bool:
        """Whether it was issued to this application."""
        return self.caller.application == application.id

    def concerns(self, application: Application) -> bool:
        """Whether this application may know about it: it is its own, or one that acts for its party."""
        return self.check_client(application) or self.caller.party == application.party

    def stands(self, connection: Connection) -> bool:
        """Whether it is good: it was not revoked, and application and person are not disabled."""
        return not is_revoked(connection, self.caller) and _stand(
            connection, self.caller.application, self.caller.user
        )

    def described(self) -> dict[str, Any]:
        """What is told of it (RFC 7662, 2.2)."""
        told = {name: self.claims[name] for name in _TOLD if name in self.claims}
        if self.caller.user is None:
            told["sub"] = self.caller.application
        return {**told, "token_type": "DPoP" if "cnf" in self.claims else "Bearer"}

    def end(self, connection: Connection) -> None:
        """End it, and it alone."""
        revoke(connection, f"token:{self.caller.token}")


@dataclass(frozen=True, slots=True)
class PresentedRefreshToken:
    """A refresh token, also one that was used or has expired."""

    token: RefreshToken

    def check_client(self, application: Application) -> bool:
        """Whether it was issued to this application."""
        return self.token.check_client(application)

    concerns = check_client
    """Nobody else has any business with it."""

    def stands(self, connection: Connection) -> bool:
        """Whether it brings new tokens."""
        found = self.token.authorization
        fresh = self.token.used_at is None and self.token.expires_at > instant(datetime.now(UTC))
        return fresh and found.revoked_at is None and _stand(connection, found.application_id, found.user_id)

    def described(self) -> dict[str, Any]:
        """What is told of it."""
        return {
            "client_id": self.token.authorization.application_id,
            "scope": self.token.get_scope(),
            "exp": int(datetime.fromisoformat(self.token.expires_at).timestamp()),
        }

    def end(self, connection: Connection) -> None:
        """End it and all that follow from the same consent."""
        end(connection, self.token.authorization.id)


def find(connection: Connection, read: Reader, token: str) -> AccessToken | PresentedRefreshToken | None:
    """What a text is, whatever it was said to be; None for what is no token of ours, or none any more."""
    if (found := read(token)) is not None:
        return AccessToken(*found)
    refresh = find_refresh_token(connection, token)
    return None if refresh is None else PresentedRefreshToken(refresh)


def _stand(connection: Connection, application_id: str, user_id: str | None) -> bool:
    """Whether an application, and the person it acts for, are there and not disabled."""
    application = lookup(connection, application_id)
    if application is None or application.disabled_at is not None:
        return False
    user = None if user_id is None else users.lookup(connection, user_id)
    return user_id is None or (user is not None and user.disabled_at is None)
