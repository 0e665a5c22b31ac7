"""Users: a person of each party, for the demo's visitors to sign in as."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.oauth.registration import Known
from gateway.oauth.users import add, find, set_password, set_rights

_DECLARED = tomllib.loads(Path(__file__).with_name("users.toml").read_text())["users"]


async def users(connection: AsyncConnection, kept: Mapping[str, str], known: Known) -> list[dict[str, Any]]:
    """The demo's people, each with a password: the one in `kept` by the person's id, or else a new one."""
    return [await _user(connection, declared, kept.get(declared["id"]), known) for declared in _DECLARED]


async def _user(
    connection: AsyncConnection, declared: Mapping[str, Any], password: str | None, known: Known
) -> dict[str, Any]:
    id = declared["id"]
    if await find(connection, id) is None:
        password = secrets.token_urlsafe(12)
        await add(connection, password=password, known=known, **declared)
    else:
        # An older demo added the person with what there was then.
        await set_rights(connection, id, declared["scopes"], declared["purposes"])
        if password is None:
            password = secrets.token_urlsafe(12)
            await set_password(connection, id, password)
    return {"id": id, "password": password, "name": declared["name"], "party": declared["party"]}
