"""`gateway documents`: the trusted documents of applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLError, OperationDefinitionNode, parse
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.bars import Meter, bars
from gateway.commands.output import Json, print_one, print_rows
from gateway.commands.transaction import run
from gateway.discovery import discover, party_scopes
from gateway.documents import registration
from gateway.documents.manifests import Listed, read_manifest
from gateway.documents.review import Review, Unfit
from gateway.engine.limits import Limits
from gateway.errors import SettingsError
from gateway.oauth.administration import get
from gateway.oauth.applications import Application
from gateway.oauth.audit import record
from gateway.oauth.following import ANY_PARTY
from gateway.schema import declared_schema
from gateway.settings import load

app = typer.Typer(
    name="documents",
    help="Trusted documents: GraphQL that an application registers, to run it by its id.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(help="The application's id, its client_id.", show_default=False)]

_MANY = 20
"""Documents from which on a bar is shown; fewer are read in the blink of an eye."""


@app.command()
def add(
    application: Id,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Manifests as Apollo, Relay or graphql-codegen write them, or .graphql files.",
            show_default=False,
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and add nothing.")] = False,
    json: Json = False,
) -> None:
    """Register documents; all of them, or none where one is refused. They can be run within two seconds.

    Each is held to the limits, and to the schema as the application's party may see it. What the application's own
    scopes refuse of a document is told, and it is registered.

    gateway documents add shop persisted-queries.json
    """
    listed = _listed(files)
    warnings, refused = _reviewed(run(lambda connection: get(connection, application)), listed)
    if refused:
        _print_refused(refused, json)
        raise SettingsError(f"nothing was added: of {len(listed)} documents, {len(refused)} refused")
    texts = {each.id: each.text for each in listed}

    async def work(connection: AsyncConnection) -> Mapping[str, str]:
        added = await registration.new(connection, application, texts)
        if added and not dry_run:
            await registration.add(connection, application, added)
            await record(connection, "documents add", application, documents=list(added))
        return added

    added = run(work)
    if json:
        unchanged = [id for id in texts if id not in added]
        told = {"application": application, "added": list(added), "unchanged": unchanged}
        print_one(told | {"warnings": warnings, "dry_run": dry_run}, as_json=True)
        return
    for each in warnings:
        print(f"{each['id']}: {each['warning']}")
    what = f"{len(added)} would be added" if dry_run else f"{len(added)} added"
    print(f"{application}: {what}, {len(texts) - len(added)} were there already.")


@app.command("list")
def list_documents(application: Id, json: Json = False) -> None:
    """The documents of an application.

    gateway documents list shop --json
    """
    found = run(lambda connection: registration.documents(connection, application))
    rows = [
        {
            "id": each["id"],
            "operations": _operations(each["document"]),
            "characters": len(each["document"]),
            "registered_at": each["registered_at"],
        }
        for each in found
    ]
    print_rows(rows, ("id", "operations", "characters", "registered_at"), json)


@app.command()
def show(
    application: Id,
    id: Annotated[str, typer.Argument(help="The document's id.", show_default=False)],
    json: Json = False,
) -> None:
    """The text of a document, as it was registered.

    gateway documents show shop 224985bf085a0dbef20c4b832f83dd44feb376db724c4e19a9d64085eb1ce0f5
    """
    found = run(lambda connection: registration.documents(connection, application))
    for each in found:
        if each["id"] == id:
            if json:
                print_one(each, as_json=True)
            else:
                print(each["document"])
            return
    raise SettingsError(f"the application {application} has no document {id}")


@app.command()
def remove(
    application: Id,
    ids: Annotated[list[str] | None, typer.Argument(help="The documents' ids.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all that it has.")] = False,
    json: Json = False,
) -> None:
    """Take documents away; within two seconds nobody can run them by their ids.

    gateway documents remove shop 224985bf085a0dbef20c4b832f83dd44feb376db724c4e19a9d64085eb1ce0f5
    """
    if bool(ids) == everything:
        raise SettingsError("name the documents to remove, or say --all")

    async def work(connection: AsyncConnection) -> Sequence[str]:
        named = list(dict.fromkeys(ids or ()))
        if everything:
            named = [each["id"] for each in await registration.documents(connection, application)]
        await registration.remove(connection, application, named)
        if named:
            await record(connection, "documents remove", application, documents=named)
        return named

    removed = run(work)
    if json:
        print_one({"application": application, "removed": removed}, as_json=True)
    else:
        print(f"{application}: {len(removed)} removed.")


def _listed(files: Sequence[Path]) -> Sequence[Listed]:
    """All documents of the files, each once. Raises `SettingsError`, also for an id that has two texts."""
    found: dict[str, Listed] = {}
    for each in (each for file in files for each in read_manifest(file)):
        same = found.setdefault(each.id, each)
        if same.text != each.text:
            raise SettingsError(f"{each.id} has one text in {same.file} and another in {each.file}")
    return list(found.values())


Told = list[dict[str, str]]


def _reviewed(application: Application, listed: Sequence[Listed]) -> tuple[Told, Told]:
    """What there is to warn of in the documents, and those that are refused, each with the reason."""
    settings, schema = load(), declared_schema()
    limits = Limits(settings.max_tokens, settings.max_depth)
    party = frozenset(schema.scopes)
    if application.party != ANY_PARTY:
        party = party_scopes(discover(), application.party)
    review = Review(schema, limits, party, frozenset(application.scopes))
    warnings: Told = []
    refused: Told = []
    console = Console(stderr=True)
    shown = bars(console) if console.is_terminal and len(listed) >= _MANY else nullcontext()
    with shown as progress:
        meter = Meter(progress, "check documents") if progress is not None else None
        for number, each in enumerate(listed, start=1):
            try:
                warnings += [{"id": each.id, "warning": lack} for lack in review.lacking(each.text)]
            except Unfit as unfit:
                refused.append({"id": each.id, "file": each.file, "reason": str(unfit)})
            if meter is not None:
                meter.show(number, len(listed))
    return warnings, refused


def _print_refused(refused: Told, as_json: bool) -> None:
    if as_json:
        print_one({"refused": refused}, as_json=True)
        return
    for each in refused:
        print(f"{each['id']} in {each['file']}: {each['reason']}")


def _operations(document: str) -> list[str]:
    """The names of a document's operations."""
    try:
        tree = parse(document, no_location=True)
    except GraphQLError:
        return []
    found = [each for each in tree.definitions if isinstance(each, OperationDefinitionNode)]
    return [each.name.value if each.name else each.operation.value for each in found]
