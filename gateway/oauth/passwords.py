"""Passwords: hashed with Argon2id, which costs a thief the memory and the time that it costs us."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from gateway.errors import SettingsError

MINIMUM = 12
"""Characters that a password has at least."""

MAXIMUM = 256

PATIENCE = 10.0
"""Seconds that a sign-in waits for its turn."""

T = TypeVar("T")

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)

# Each hash takes 64 MiB: as many at once as there are threads here, whoever asks.
_THREADS = ThreadPoolExecutor(2, "passwords")


def _nobodys() -> str:
    """A hash by the same parameters that no known password has, made faster than a true one."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}${salt}${digest}"


_NOBODYS = _nobodys()


async def hash_password(password: str) -> str:
    """The hash to keep (RFC 9106, Argon2id, with its salt and parameters). Raises `SettingsError` for a poor one."""
    if not MINIMUM <= len(password) <= MAXIMUM:
        raise SettingsError(f"a password has {MINIMUM} to {MAXIMUM} characters")
    if len(set(password)) < 4:
        raise SettingsError("a password of so few different characters is guessed at once")
    return await _aside(lambda: _HASHER.hash(_normal(password)))


async def fits(kept: str | None, password: str) -> bool:
    """Whether `password` has the hash `kept`; without one it takes the same time and is False."""
    possible = kept is not None and len(password) <= MAXIMUM
    return await _aside(lambda: _verify(kept or _NOBODYS, password[:MAXIMUM])) and possible


async def renewed(kept: str, password: str) -> str | None:
    """The hash by today's parameters, where `kept` was made by others."""
    if not _HASHER.check_needs_rehash(kept):
        return None
    return await _aside(lambda: _HASHER.hash(_normal(password)))


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> bytes:
    """One password however a keyboard composes it (RFC 8265, 4.2); what is no text any more fits nothing."""
    return unicodedata.normalize("NFC", password).encode(errors="replace")


async def _aside(work: Callable[[], T]) -> T:
    """Beside the event loop. Raises TimeoutError where too many wait for the same."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
