"""`gateway user`: people of the parties, who sign in to let an application act for them."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.agreements import CONTRACT
from gateway.commands.output import Json, print_one, print_rows
from gateway.commands.transaction import run
from gateway.errors import SettingsError
from gateway.oauth import users
from gateway.oauth.audit import record
from gateway.oauth.passwords import MINIMUM
from gateway.oauth.registration import Known
from gateway.oauth.users import User
from gateway.schema import declared_schema

app = typer.Typer(
    name="user", help="People who sign in: in GraphiQL, or for an application.", no_args_is_help=True
)

Id = Annotated[
    str, typer.Argument(help="What the person signs in with, as li.wei@alibaba.", show_default=False)
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


@app.command()
def add(
    id: Id,
    name: Annotated[str, typer.Option(help="The person's name.")],
    party: Annotated[str, typer.Option(help="Whose person it is, as ALIBABA.")],
    purpose: Annotated[list[str], typer.Option(help="What the person may ask for.")],
    scope: Annotated[list[str], typer.Option(help="What the person may ask.")],
    password_stdin: FromStdin = False,
    json: Json = False,
) -> None:
    """Add a person. The password is asked for, and never an argument.

    gateway user add li.wei@alibaba --name "Li Wei" --party ALIBABA --scope clients:read --purpose analytics
    """
    password = _password(password_stdin)
    known = Known(set(CONTRACT.parties), set(declared_schema().scopes), set(CONTRACT.purposes))

    async def work(connection: AsyncConnection) -> None:
        await users.add(connection, id, name, party, password, scope, purpose, known)

    _changed("user add", id, work, party=party, scopes=scope, purposes=purpose)
    print_one({"id": id, "party": party}, json)


@app.command("list")
def list_users(json: Json = False) -> None:
    """All people, the disabled ones among them.

    gateway user list --json
    """
    found = run(users.list_all)
    print_rows(
        [_described(each) for each in found], ("id", "party", "scopes", "purposes", "disabled_at"), json
    )


@app.command("set-password")
def set_password(id: Id, password_stdin: FromStdin = False, json: Json = False) -> None:
    """Give a person another password, and end what the old one opened: sessions, authorizations and tokens.

    gateway user set-password li.wei@alibaba
    """
    password = _password(password_stdin)
    _changed("user set-password", id, lambda connection: users.set_password(connection, id, password))
    print_one({"id": id, "password": "set"}, json)


@app.command()
def disable(id: Id, json: Json = False) -> None:
    """Let a person in no more, and end its sessions, authorizations and tokens; tokens within seconds.

    gateway user disable li.wei@alibaba
    """
    _changed("user disable", id, lambda connection: users.disable(connection, id))
    print_one({"id": id, "disabled": True}, json)


@app.command()
def enable(id: Id, json: Json = False) -> None:
    """Let a disabled person sign in again, with the same password.

    gateway user enable li.wei@alibaba
    """
    _changed("user enable", id, lambda connection: users.enable(connection, id))
    print_one({"id": id, "disabled": False}, json)


def _changed(
    action: str, id: str, change: Callable[[AsyncConnection], Awaitable[None]], **details: Any
) -> None:
    """Make a change together with its entry in the audit trail."""

    async def work(connection: AsyncConnection) -> None:
        await change(connection)
        await record(connection, action, id, **details)

    run(work)


def _password(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise SettingsError("there is no terminal to ask for the password; send it with --password-stdin")
    password: str = typer.prompt(
        f"Password, at least {MINIMUM} characters", hide_input=True, confirmation_prompt=True
    )
    return password


def _described(user: User) -> dict[str, Any]:
    """A person as shown: all but the password's hash."""
    return {
        "id": user.id,
        "name": user.name,
        "party": user.party,
        "scopes": user.scopes,
        "purposes": user.purposes,
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
    }
