"""Applications: added once with a secret that is never seen again, and only with what is declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.errors import SettingsError
from gateway.oauth.applications import add, applications, find, list_all
from gateway.store.tables import NOBODY
from tests.test_oauth import KNOWN, world


async def test_an_added_application_is_found_as_it_was_given(tmp_path: Path) -> None:
    async with world(tmp_path) as here, here.engine.connect() as connection:
        found = await find(connection, "shop")
        missing = await find(connection, "nobody")
        everyone = await list_all(connection)
    assert found is not None
    assert (found.name, found.party, found.disabled_at) == ("Shop", "ALIBABA", None)
    assert found.scopes == ("orders:read", "clients:read")
    assert found.purposes == ("analytics", "targeted_offers")
    assert found.created_at.endswith("Z")
    assert missing is None
    assert [one.id for one in everyone] == ["bare", "other", "shop"]


async def test_the_secret_is_256_bits_and_stands_nowhere(tmp_path: Path) -> None:
    """Trap 17: Authlib's own tables keep secrets in the clear. Neither the file nor a repr may hold one."""
    async with world(tmp_path) as here:
        async with here.engine.connect() as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            found = await find(connection, "shop")
        assert found is not None
        secret = here.secrets["shop"]
        assert len(set(here.secrets.values())) == 3
        assert len(secret) == 43
        assert found.check_client_secret(secret)
        assert not found.check_client_secret(secret[:-1])
        assert secret.encode() not in (tmp_path / "gateway.db").read_bytes()
        assert found.secret_hash.encode() in (tmp_path / "gateway.db").read_bytes()
        assert secret not in repr(found)
        assert found.secret_hash not in repr(found)


def test_callers_never_see_applications() -> None:
    assert applications.info["rows"] == NOBODY


GOOD: dict[str, Any] = {
    "id": "new",
    "name": "New",
    "party": "MAILRU",
    "scopes": ["orders:read"],
    "purposes": ["analytics"],
}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"id": "Shop"}, "id is"),
        ({"id": ""}, "id is"),
        ({"id": "a" * 65}, "id is"),
        ({"id": "a:b"}, "id is"),
        ({"id": "shop"}, "already"),
        ({"name": " "}, "name"),
        ({"party": "MEGAFON"}, "MEGAFON is not a party"),
        ({"scopes": ["orders:write"]}, "no such scope: orders:write"),
        ({"scopes": ["orders:read clients:pii"]}, "no such scope"),
        ({"purposes": []}, "purpose"),
        ({"purposes": ["spying"]}, "no such purpose: spying"),
    ],
)
async def test_an_application_gets_only_what_is_declared(
    tmp_path: Path, wrong: dict[str, Any], reason: str
) -> None:
    async with world(tmp_path) as here, here.engine.begin() as connection:
        with pytest.raises(SettingsError, match=reason):
            await add(connection, **{**GOOD, **wrong}, known=KNOWN)
        assert len(await list_all(connection)) == 3


async def test_scopes_and_purposes_keep_their_order_and_lose_their_doubles(tmp_path: Path) -> None:
    doubled = {
        "scopes": ["orders:read", "clients:pii", "orders:read"],
        "purposes": ["reporting", "analytics"],
    }
    async with world(tmp_path) as here, here.engine.begin() as connection:
        await add(connection, **{**GOOD, **doubled}, known=KNOWN)
        found = await find(connection, "new")
    assert found is not None
    assert found.scopes == ("orders:read", "clients:pii")
    assert found.purposes == ("reporting", "analytics")
