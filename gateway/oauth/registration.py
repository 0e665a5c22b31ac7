"""Registration: what an application may be given, and what of it goes together."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gateway.errors import SettingsError
from gateway.oauth.redirects import check_redirect_uri

if TYPE_CHECKING:
    from gateway.oauth.applications import Application

GRANT_TYPES = ("client_credentials", "authorization_code", "refresh_token")

_ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


class Known(NamedTuple):
    """What the contract and the connectors declare, and so what an application may be given."""

    parties: Collection[str]
    scopes: Collection[str]
    purposes: Collection[str]


class Holder(Protocol):
    """Who may be given rights: an application, a user."""

    @property
    def name(self) -> str:
        """What people know it by."""

    @property
    def party(self) -> str:
        """Whose it is."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it may ask."""

    @property
    def purposes(self) -> tuple[str, ...]:
        """What it may ask for."""


def check(application: Application, known: Known) -> None:
    """Raise `SettingsError` for the first thing that keeps an application from being registered."""
    if not _ID.fullmatch(application.id):
        raise SettingsError("an application's id is up to 64 of a-z, 0-9, dot, dash and underscore")
    check_rights("an application", application, known)
    _check_grants(application)
    _check_authentication(application)
    for uri in application.redirect_uris:
        check_redirect_uri(uri)


def check_rights(kind: str, holder: Holder, known: Known) -> None:
    """Raise `SettingsError` unless name, party, scopes and purposes are such as there are; `kind` says whose."""
    if not holder.name.strip() or not holder.name.isprintable():
        raise SettingsError(f"{kind} needs a name, of characters that can be printed")
    if holder.party not in known.parties:
        raise SettingsError(f"{holder.party} is not a party; there are {', '.join(sorted(known.parties))}")
    if not holder.purposes:
        raise SettingsError(f"{kind} needs a purpose")
    _check_declared("scope", holder.scopes, known.scopes)
    _check_declared("purpose", holder.purposes, known.purposes)


def _check_declared(kind: str, asked: Collection[str], declared: Collection[str]) -> None:
    if unknown := [one for one in asked if one not in declared]:
        raise SettingsError(f"no such {kind}: {', '.join(unknown)}; there are {', '.join(sorted(declared))}")


def _check_grants(application: Application) -> None:
    grants = application.grant_types
    _check_declared("grant", grants, GRANT_TYPES)
    if not grants:
        raise SettingsError("an application needs a grant")
    if "refresh_token" in grants and "authorization_code" not in grants:
        raise SettingsError("the grant refresh_token needs authorization_code: it goes on what that began")
    if ("authorization_code" in grants) != bool(application.redirect_uris):
        raise SettingsError("the grant authorization_code and a redirect URI go together")


def _check_authentication(application: Application) -> None:
    if application.authentication == "none" and "client_credentials" in application.grant_types:
        raise SettingsError(
            "a public application cannot have the grant client_credentials: it proves nothing"
        )
    if (application.authentication == "private_key_jwt") != (application.jwks is not None):
        raise SettingsError("public keys are for private_key_jwt, and it needs them")
    if application.strict_audience and application.authentication != "private_key_jwt":
        raise SettingsError("a strict audience is of assertions, which need a public key")
