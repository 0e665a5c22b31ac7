"""GraphiQL as an application: the venture's own, by which people of every party sign in to the page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.oauth.applications import applications
from gateway.oauth.following import ANY_PARTY

ID = "graphiql"


async def register(
    connection: AsyncConnection, audience: str, scopes: Iterable[str], purposes: Iterable[str]
) -> None:
    """Have GraphiQL among the applications, with all scopes and purposes there are by now.

    What a person gets there is limited by the person's own. One that was disabled stays so, and an application that
    somebody else has registered under this id stays as it is. The caller commits.
    """
    held = {
        "name": "GraphiQL",
        "scopes": " ".join(sorted(scopes)),
        "purposes": " ".join(purposes),
        "redirect_uris": audience,
        "authentication": "none",
        "grant_types": "authorization_code refresh_token",
    }
    new = {"id": ID, "party": ANY_PARTY, "created_at": datetime.now(UTC), **held}
    await connection.execute(
        insert(applications)
        .values(new)
        .on_conflict_do_update(index_elements=["id"], set_=held, where=applications.c.party == ANY_PARTY)
    )
