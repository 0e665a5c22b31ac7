"""Health: what a supervisor asks, without a token; whether the process answers, and whether its database does."""

from __future__ import annotations

import asyncio

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.access.agreements import agreements
from gateway.leaving import leaving


def health(database: AsyncEngine) -> list[Route]:
    """The routes `/healthz` and `/readyz`."""

    async def healthz(_: Request) -> JSONResponse:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        """The database answers too, and the process does not leave."""
        if leaving.unready:
            return JSONResponse({"status": "leaving"}, 503, {"Retry-After": "5"})
        try:
            async with asyncio.timeout(2), database.connect() as connection:
                await connection.execute(select(agreements.c.owner).limit(1))
        except (SQLAlchemyError, TimeoutError):
            return JSONResponse({"status": "unavailable"}, 503, {"Retry-After": "5"})
        return JSONResponse({"status": "ready"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
