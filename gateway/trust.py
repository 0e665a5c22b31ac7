"""Trust: the outside issuers whose tokens the operator accepts, and the most that their tokens may come to here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import SettingsError

MAX_LEEWAY = 60

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Source:
    """Where something about a caller comes from: `fixed` by the operator, or from the claim at the end of a path.

    What the claim says is looked up in `values`, where there are any; the operator thus says what it can be.
    """

    fixed: str | None = None
    claim: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """One of `[[issuers]]`: who signs, and what a token of theirs makes its bearer.

    `name` is the operator's own for them, and begins the ids of their applications and users. `scopes` is a ceiling:
    a token gets no other, whatever it claims. `leeway` is seconds that their clock may be off. `type` is `at+jwt`, or
    `JWT` for issuers that do not mark access tokens as such.
    """

    name: str
    issuer: str
    algorithms: tuple[str, ...]
    party: Source
    purpose: Source
    scopes: tuple[str, ...]
    scope: Source = Source(claim=("scope",))
    application: Source = Source(claim=("client_id",))
    audience: str | None = None
    jwks_uri: str | None = None
    type: str = "at+jwt"
    leeway: float = 10.0


def read_issuers(path: object, tables: Any) -> tuple[Trust, ...]:
    """The issuers in the settings' `[[issuers]]`. Raises `SettingsError` with what cannot be used."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: issuers must be tables, each [[issuers]]")
    found = tuple(_trust(f"{path}: [[issuers]] {number}", table) for number, table in enumerate(tables, 1))
    for name in ("name", "issuer"):
        if len({getattr(each, name) for each in found}) < len(found):
            raise SettingsError(f"{path}: two of [[issuers]] have the same {name}")
    return found


def secure(address: str) -> bool:
    """Whether an address is one that keys may be had from: https, or http that does not leave the machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    clean = bool(re.fullmatch(r"[!-~]+", address)) and not parts.username and not parts.fragment
    return (
        clean and bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))
    )


def _trust(where: str, table: Mapping[str, Any]) -> Trust:
    if unknown := sorted(table.keys() - _RULES.keys()):
        raise SettingsError(f"{where} has unknown settings: {', '.join(unknown)}")
    if missing := sorted(_REQUIRED - table.keys()):
        raise SettingsError(f"{where} lacks {', '.join(missing)}")
    found = {}
    for name, value in table.items():
        read, meaning = _RULES[name]
        try:
            found[name] = read(value)
        except ValueError:
            raise SettingsError(f"{where}: {name} must be {meaning}") from None
    return Trust(**found)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _name(value: Any) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", _text(value)):
        raise ValueError
    return str(value)


def _address(value: Any) -> str:
    if not secure(_text(value)):
        raise ValueError
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError
    return tuple(_text(each) for each in value)


def _type(value: Any) -> str:
    if value not in ("at+jwt", "JWT"):
        raise ValueError
    return str(value)


def _leeway(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_LEEWAY:
        raise ValueError
    return float(value)


def _source(value: Any) -> Source:
    if isinstance(value, str):
        return Source(fixed=_text(value))
    if not isinstance(value, dict) or not value.keys() <= {"claim", "values"}:
        raise ValueError
    claim, values = value.get("claim"), value.get("values")
    path = (_text(claim),) if isinstance(claim, str) else _texts(claim)
    if values is not None and (
        not isinstance(values, dict) or not all(isinstance(each, str) and each for each in values.values())
    ):
        raise ValueError
    return Source(claim=path, values=values)


def _settled(value: Any) -> Source:
    """A source that leaves nothing to the issuer: what it can be stands in the settings."""
    found = _source(value)
    if found.fixed is None and not found.values:
        raise ValueError
    return found


def _claimed(value: Any) -> Source:
    found = _source(value)
    if found.fixed is not None:
        raise ValueError
    return found


_REQUIRED = frozenset({"name", "issuer", "algorithms", "party", "purpose", "scopes"})
_SETTLED = (_settled, 'a text, or { claim = "…", values = { theirs = "ours" } }')

_RULES: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "name": (_name, "up to 32 of a-z, 0-9, dash and underscore"),
    "issuer": (_address, "the https address that stands in the tokens' iss"),
    "algorithms": (_texts, 'a list such as ["ES256"]'),
    "party": _SETTLED,
    "purpose": _SETTLED,
    "scopes": (_texts, "a list of the scopes that a token may have at most"),
    "scope": (_claimed, '{ claim = "…" }, with values = { theirs = "ours" } where their names differ'),
    "application": (_source, 'a text, or { claim = "…" }'),
    "audience": (_text, "a text"),
    "jwks_uri": (_address, "an https address"),
    "type": (_type, '"at+jwt" or "JWT"'),
    "leeway": (_leeway, f"a number of seconds from 0 to {MAX_LEEWAY}"),
}
"""How each setting of an issuer is read, and what to say where it cannot be."""
