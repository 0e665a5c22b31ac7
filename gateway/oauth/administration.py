"""Administration of applications: new secrets and keys, and an end to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import SettingsError
from gateway.oauth.applications import Application, applications, find, new_secret
from gateway.oauth.revocations import revoke
from gateway.store.tables import instant


async def get(connection: AsyncConnection, id: str) -> Application:
    """The application of that id. Raises `SettingsError` if there is none."""
    found = await find(connection, id)
    if found is None:
        raise SettingsError(f"there is no application {id}")
    return found


async def rotate_secret(connection: AsyncConnection, id: str) -> str:
    """Give an application a new secret, which is returned this once; the old one is good no more.

    Raises `SettingsError` for an application that has no secret.
    """
    _check(await get(connection, id), "client_secret", "a secret")
    secret, secret_hash = new_secret()
    await _set(connection, id, secret_hash=secret_hash)
    return secret


async def rotate_key(connection: AsyncConnection, id: str, jwks: str) -> None:
    """Replace an application's public keys. Raises `SettingsError` for one that does not authenticate by a key."""
    _check(await get(connection, id), "private_key_jwt", "a public key")
    await _set(connection, id, jwks=jwks)


async def change(connection: AsyncConnection, id: str, values: Mapping[str, Any]) -> None:
    """Set columns of an application, each by its name. Raises `SettingsError`."""
    await get(connection, id)
    await _set(connection, id, **values)


async def disable(connection: AsyncConnection, id: str) -> None:
    """Give an application no more tokens, and end those that it has. Raises `SettingsError`."""
    if (await get(connection, id)).disabled_at is None:
        await _set(connection, id, disabled_at=instant(datetime.now(UTC)))
    await connection.run_sync(revoke, f"application:{id}")


async def enable(connection: AsyncConnection, id: str) -> None:
    """Give an application tokens again; those it had stay ended. Raises `SettingsError`."""
    await get(connection, id)
    await _set(connection, id, disabled_at=None)


def _check(application: Application, authentication: str, what: str) -> None:
    if application.authentication != authentication:
        raise SettingsError(f"the application {application.id} does not authenticate by {what}")


async def _set(connection: AsyncConnection, id: str, **values: Any) -> None:
    await connection.execute(update(applications).where(applications.c.id == id).values(**values))
