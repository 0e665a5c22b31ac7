"""`gateway app`: the parties' applications."""

from __future__ import annotations

from typing import Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.commands.output import Json, print_one, print_rows
from gateway.commands.transaction import run
from gateway.errors import SettingsError
from gateway.oauth.applications import Application, find, list_all

app = typer.Typer(
    name="app", help="The parties' applications: who may ask for a token.", no_args_is_help=True
)


@app.command("list")
def list_applications(json: Json = False) -> None:
    """All applications. For example: gateway app list --json"""
    found = run(list_all)
    print_rows([described(each) for each in found], ("id", "party", "authentication", "scopes"), json)


@app.command()
def show(id: str, json: Json = False) -> None:
    """One application with all that is set. For example: gateway app show aliexpress-insights"""

    async def work(connection: AsyncConnection) -> Application | None:
        return await find(connection, id)

    found = run(work)
    if found is None:
        raise SettingsError(f"there is no application {id}")
    print_one(described(found), json)


def described(application: Application) -> dict[str, Any]:
    """An application as it is shown: all but what proves it."""
    return {
        "id": application.id,
        "name": application.name,
        "party": application.party,
        "scopes": application.scopes,
        "purposes": application.purposes,
        "authentication": application.authentication,
        "grants": application.grant_types,
        "redirect_uris": application.redirect_uris,
        "strict_audience": bool(application.strict_audience),
        "dpop_required": bool(application.dpop_required),
        "created_at": application.created_at,
        "disabled_at": application.disabled_at,
    }
