"""`gateway issuer`: the outside issuers whose tokens are taken, and who of theirs is shut out."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.commands.output import Json, print_one, print_rows
from gateway.commands.transaction import run
from gateway.errors import SettingsError
from gateway.oauth import blocks
from gateway.oauth.audit import record
from gateway.settings import load

app = typer.Typer(
    name="issuer",
    help="Outside issuers: whose tokens are taken, and who of theirs is shut out.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The issuer's name in the settings.", show_default=False)]
Application = Annotated[
    str | None, typer.Option("--application", help="An application of theirs, as they call it.")
]
User = Annotated[str | None, typer.Option("--user", help="A person of theirs: the subject of its tokens.")]


@app.command("list")
def list_issuers(json: Json = False) -> None:
    """The issuers in the settings, and all that is blocked of them.

    gateway issuer list --json
    """
    found = run(blocks.blocked)
    rows: list[dict[str, Any]] = [
        {"name": each.name, "issuer": each.issuer, "blocked": None, "since": None} for each in load().issuers
    ]
    addresses = {row["name"]: row["issuer"] for row in rows}
    for key, since in found.items():
        name = key.split(":")[1]
        rows.append({"name": name, "issuer": addresses.get(name), "blocked": key, "since": since})
    print_rows(sorted(rows, key=lambda row: row["name"]), ("name", "issuer", "blocked", "since"), json)


@app.command()
def block(name: Name, application: Application = None, user: User = None, json: Json = False) -> None:
    """Take no tokens of an application or a person of theirs, or of anybody of theirs where neither is said.

    Those they have are refused within two seconds, and those they get until it is undone.

    gateway issuer block aliexpress --application shop
    """
    key = _key(name, application, user)
    if name not in {each.name for each in load().issuers}:
        raise SettingsError(f"the settings have no issuer {name}")

    async def work(connection: AsyncConnection) -> None:
        if await blocks.block(connection, key):
            await record(connection, "issuer block", key)

    run(work)
    print_one({"key": key, "blocked": True}, json)


@app.command()
def unblock(name: Name, application: Application = None, user: User = None, json: Json = False) -> None:
    """Take their tokens again.

    gateway issuer unblock aliexpress --application shop
    """
    key = _key(name, application, user)

    async def work(connection: AsyncConnection) -> None:
        await blocks.unblock(connection, key)
        await record(connection, "issuer unblock", key)

    run(work)
    print_one({"key": key, "blocked": False}, json)


def _key(name: str, application: str | None, user: str | None) -> str:
    if application is not None and user is not None:
        raise SettingsError("name an application or a user, not both")
    return blocks.key(name, application, user)
