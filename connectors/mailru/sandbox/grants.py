"""Grants: the sandbox's book of myTarget tokens, five to a client and no more."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

CEILING = 5
LIFE = 86_400.0


@dataclass(slots=True)
class Grant:
    """A pair of tokens; `expires` is seconds on the monotonic clock."""

    access: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    refresh: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    expires: float = field(default_factory=lambda: time.monotonic() + LIFE)
    revoked: bool = False


class Grants:
    """The tokens of the one client there is, whatever their state."""

    def __init__(self) -> None:
        self.held: list[Grant] = []
        self.granted = 0
        self.refreshed = 0

    def grant(self) -> Grant | None:
        """A new pair, or None at the ceiling."""
        if len(self.held) >= CEILING:
            return None
        self.held.append(Grant())
        self.granted += 1
        return self.held[-1]

    def refresh(self, token: str) -> Grant | None:
        """The pair with another access token, the old one dead at once; None for an unknown refresh token."""
        for grant in self.held:
            if secrets.compare_digest(grant.refresh, token) and not grant.revoked:
                fresh = Grant()
                grant.access, grant.expires = fresh.access, fresh.expires
                self.refreshed += 1
                return grant
        return None

    def refresh_of(self, access: str) -> None:
        """What another does who holds the same pair."""
        for grant in self.held:
            if secrets.compare_digest(grant.access, access):
                self.refresh(grant.refresh)

    def check(self, access: str) -> tuple[str, str] | None:
        """Why an access token is refused (error, description), or None for a good one."""
        for grant in self.held:
            if secrets.compare_digest(grant.access, access):
                if grant.revoked:
                    return "revoked_token", "Access token is revoked"
                expired = grant.expires <= time.monotonic()
                return ("expired_token", "Access token is expired") if expired else None
        return "invalid_token", "Unknown access token"

    def delete_all(self) -> None:
        """Delete every token of the client, other workers' too."""
        self.held.clear()

    def expire_all(self) -> None:
        """Let a day pass for every token."""
        for grant in self.held:
            grant.expires = 0.0

    def revoke_all(self) -> None:
        """What happens when the client's owner takes back the permission."""
        for grant in self.held:
            grant.revoked = True
