"""Standing: whether those for whom something was begun may still have it done, once their token is over."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.oauth.applications import Application, lookup
from gateway.oauth.authorizations import authorizations
from gateway.oauth.blocks import blocking, blocks
from gateway.oauth.following import ANY_PARTY
from gateway.oauth.tokens import Caller
from gateway.oauth.users import User
from gateway.oauth.users import lookup as person


async def stands(connection: AsyncConnection, caller: Caller) -> bool:
    """Whether the application, and the person and the authorization it acts by, would get such a token now."""
    return await connection.run_sync(_stands, caller)


def _stands(connection: Connection, caller: Caller) -> bool:
    if keys := blocking(caller):
        # Of an outside issuer's callers it is only known whom the operator has blocked.
        return connection.execute(select(blocks.c.key).where(blocks.c.key.in_(keys))).first() is None
    application = lookup(connection, caller.application)
    if application is None or not _holds(application, caller):
        return False
    if caller.user is None:
        return application.party == caller.party
    user = person(connection, caller.user)
    return user is not None and _holds(user, caller) and _goes_on(connection, caller)


def _holds(holder: Application | User, caller: Caller) -> bool:
    """Whether an application or a person is there still, and may have what the caller had."""
    return (
        holder.disabled_at is None
        and holder.party in (ANY_PARTY, caller.party)
        and caller.scopes <= set(holder.scopes)
        and caller.purpose in holder.purposes
    )


def _goes_on(connection: Connection, caller: Caller) -> bool:
    """Whether the authorization has not ended; a person's tokens follow from one."""
    ended = select(authorizations.c.revoked_at).where(authorizations.c.id == caller.grant)
    found = connection.execute(ended).one_or_none()
    return found is not None and found.revoked_at is None
