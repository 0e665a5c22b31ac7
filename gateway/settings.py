"""Settings: one frozen value, read once from `settings.toml` in the state folder and from `GATEWAY_*` variables."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gateway.errors import SettingsError
from gateway.trust import Trust, read_issuers


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides.

    Times are seconds, sizes are bytes. `origin` is the address callers use, without a trailing slash; every
    URL the gateway gives out is built from it, never from a request's Host header. `metrics` is the host and port that
    they are served on, the host empty where they are not, None for the usual ones. `trace_context` names with whom
    traces are shared: `callers`, and connectors. `drain` is how long a gateway that was told to end takes new requests.
    """

    state: Path = Path(".gateway")
    origin: str = "http://127.0.0.1:8000"
    unauthorized: Literal["filter", "reject"] = "filter"
    deadline: float = 10.0
    max_body: int = 1_000_000
    max_depth: int = 15
    max_tokens: int = 4_000
    max_cost: int = 50_000
    readers: int = 4
    places: int = 8
    cost_per_minute: int = 10_000_000
    concurrency: int = 100
    connections: int = 100
    subscriptions: int = 1_000
    metrics: tuple[str, int] | None = None
    trace_context: tuple[str, ...] = ()
    drain: float = 5.0
    connectors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    issuers: tuple[Trust, ...] = ()

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


class PartnerSettings(dict[str, str]):
    """What is set for one partner. Asked for a setting that is not there, it says which one the operator must make."""

    def __init__(self, name: str, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self._name = name

    def __missing__(self, key: str) -> str:
        raise SettingsError(f"the settings lack {key} in [connectors.{self._name}]")


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from `$GATEWAY_STATE/settings.toml` (optional), each overridden by its `GATEWAY_…` variable.

    Raises `SettingsError` with the name of the setting that cannot be read.
    """
    state = Path(environ.get("GATEWAY_STATE") or ".gateway")
    path = state / "settings.toml"
    values = _read(path)
    connectors = _connectors(path, values.pop("connectors", {}))
    issuers = read_issuers(path, values.pop("issuers", []))
    if unknown := sorted(values.keys() - _RULES.keys()):
        raise SettingsError(f"unknown settings in {path}: {', '.join(unknown)}")
    found = {name: _checked(name, value, str(path)) for name, value in values.items()}
    for name in _RULES:
        variable = f"GATEWAY_{name.upper()}"
        if (text := environ.get(variable)) is not None:
            found[name] = _checked(name, text, variable)
    return Settings(state=state, connectors=connectors, issuers=issuers, **found)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None


def _connectors(path: Path, tables: Any) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(tables, dict):
        raise SettingsError(f"{path}: connectors must be tables, as [connectors.NAME]")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: connectors.{name} must be a table, [connectors.{name}]")
        for key, value in table.items():
            if not isinstance(value, str):
                raise SettingsError(f"{path}: {key} in [connectors.{name}] must be a text")
    return {name: PartnerSettings(name, table) for name, table in tables.items()}


def _checked(name: str, value: Any, source: str) -> Any:
    read, meaning = _RULES[name]
    try:
        return read(value)
    except (ValueError, OverflowError):
        raise SettingsError(f"{name} in {source} must be {meaning}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _answer(value: Any) -> str:
    if value not in ("filter", "reject"):
        raise ValueError
    return str(value)


def _seconds(value: Any) -> float:
    number = float(value) if isinstance(value, str | float) else float(_count(value))
    if not 0 < number < math.inf:
        raise ValueError
    return number


def _pause(value: Any) -> float:
    return 0.0 if str(value) in ("0", "0.0") else _seconds(value)


def _address(value: Any) -> tuple[str, int]:
    if value == "off":
        return "", 0
    host, _, port = _text(value).rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ValueError
    return host.strip("[]"), int(port)


def _names(value: Any) -> tuple[str, ...]:
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ValueError
    return tuple(names)


def _count(value: Any) -> int:
    number = int(value) if isinstance(value, str) else value
    if type(number) is not int or number < 1:
        raise ValueError
    return number


_COUNT = (_count, "a whole number from 1 up")

_RULES: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "origin": (_text, "an address such as https://gateway.example"),
    "unauthorized": (_answer, '"filter" or "reject"'),
    "deadline": (_seconds, "a number of seconds above 0"),
    "max_body": _COUNT,
    "max_depth": _COUNT,
    "max_tokens": _COUNT,
    "max_cost": _COUNT,
    "readers": _COUNT,
    "places": _COUNT,
    "cost_per_minute": _COUNT,
    "concurrency": _COUNT,
    "connections": _COUNT,
    "subscriptions": _COUNT,
    "metrics": (_address, 'an address such as "127.0.0.1:9464", or "off"'),
    "trace_context": (_names, 'names such as ["callers", "alibaba"]'),
    "drain": (_pause, "a number of seconds from 0 up"),
}
"""How each setting is read, and what to say where it cannot be."""
