"""Settings: one frozen value, read once from `settings.toml` in the state folder and from `GATEWAY_*` variables."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gateway.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides.

    Times are seconds, sizes are bytes. `origin` is the address callers use, without a trailing slash; every
    URL the gateway gives out is built from it, never from a request's Host header.
    """

    state: Path = Path(".gateway")
    origin: str = "http://127.0.0.1:8000"
    unauthorized: Literal["filter", "reject"] = "filter"
    deadline: float = 10.0
    max_body: int = 1_000_000
    max_depth: int = 15
    max_tokens: int = 4_000
    readers: int = 4
    connectors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The SQLite file that holds everything served."""
        return self.state / "gateway.db"

    @property
    def issuer(self) -> str:
        """The token service's issuer; it has a path segment because MSAL refuses one without."""
        return f"{self.origin}/oauth"

    @property
    def audience(self) -> str:
        """The resource that tokens are for (RFC 8707, RFC 9728)."""
        return f"{self.origin}/graphql"


_CASTS: Mapping[str, Any] = {
    "origin": str,
    "unauthorized": str,
    "deadline": float,
    "max_body": int,
    "max_depth": int,
    "max_tokens": int,
    "readers": int,
}


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `$GATEWAY_STATE/settings.toml` (optional), each overridden by its `GATEWAY_…` variable.

    Raises `SettingsError` with the name of the setting that cannot be read.
    """
    state = Path(environ.get("GATEWAY_STATE", ".gateway"))
    values = _read(state / "settings.toml")
    connectors = values.pop("connectors", {})
    if unknown := sorted(values.keys() - _CASTS.keys()):
        raise SettingsError(f"unknown settings in {state / 'settings.toml'}: {', '.join(unknown)}")
    for name in _CASTS:
        if (text := environ.get(f"GATEWAY_{name.upper()}")) is not None:
            values[name] = text
    try:
        cast = {name: _CASTS[name](value) for name, value in values.items()}
    except ValueError as error:
        raise SettingsError(f"a setting is not of its type: {error}") from None
    if cast.get("unauthorized", "filter") not in ("filter", "reject"):
        raise SettingsError('unauthorized must be "filter" or "reject"')
    return Settings(state=state, connectors=connectors, **cast)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
