"""Standing: what was begun with a token is not done any more once nobody would get such a token."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from gateway.oauth.applications import applications
from gateway.oauth.authorizations import begin
from gateway.oauth.standing import stands
from gateway.oauth.tokens import Caller
from gateway.oauth.users import users
from gateway.settings import Settings
from gateway.store.database import writer
from tests.conftest import empty_database

RIGHTS = {"scopes": "clients:read mailru:activate", "purposes": "targeted_offers"}
SHOP = {"id": "shop", "name": "Shop", "party": "ALIBABA", "created_at": "2026-01-01T00:00:00Z", **RIGHTS}
VENTURES = SHOP | {"id": "graphiql", "party": "*"}
LI = SHOP | {"id": "li@alibaba.example", "password_hash": ""}

SERVICE = Caller("ALIBABA", "shop", frozenset(RIGHTS["scopes"].split()), RIGHTS["purposes"])
OUTSIDE = replace(SERVICE, application="idp:shop", user="idp:li")

CHANGES = {
    "nothing": ("SELECT 1", {"service", "person", "outside"}),
    "the application is disabled": ("UPDATE applications SET disabled_at = 'now'", {"outside"}),
    "the application is gone": ("DELETE FROM applications", {"outside"}),
    "it is another party's": ("UPDATE applications SET party = 'RDIF'", {"outside"}),
    "a scope is taken from it": ("UPDATE applications SET scopes = 'clients:read'", {"outside"}),
    "its purpose is another": ("UPDATE applications SET purposes = 'analytics'", {"outside"}),
    "the person is disabled": ("UPDATE users SET disabled_at = 'now'", {"service", "outside"}),
    "a scope is taken from the person": ("UPDATE users SET scopes = ''", {"service", "outside"}),
    "the authorization ended": ("UPDATE authorizations SET revoked_at = 'now'", {"service", "outside"}),
    "the issuer is blocked": ("INSERT INTO blocks VALUES ('issuer:idp', 'now')", {"service", "person"}),
    "its person is blocked": ("INSERT INTO blocks VALUES ('user:idp:li', 'now')", {"service", "person"}),
    "another issuer is blocked": (
        "INSERT INTO blocks VALUES ('issuer:shop', 'now')",
        {"service", "person", "outside"},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_who_stands(tmp_path: Path, change: str) -> None:
    """A service of a party, a person with the venture's own application, and somebody of an outside issuer."""
    settings = Settings(state=tmp_path)
    await empty_database(settings)
    database = writer(settings.database)
    statement, standing = CHANGES[change]
    async with database.begin() as connection:
        await connection.execute(insert(applications), [SHOP, VENTURES])
        await connection.execute(insert(users), LI)
        grant = await connection.run_sync(begin, "graphiql", LI["id"], [], RIGHTS["purposes"])
        person = replace(SERVICE, application="graphiql", user=LI["id"], grant=grant)
        await connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        await connection.exec_driver_sql(statement)
        callers = {"service": SERVICE, "person": person, "outside": OUTSIDE}
        assert {name for name, caller in callers.items() if await stands(connection, caller)} == standing
        await connection.rollback()
    await database.dispose()
