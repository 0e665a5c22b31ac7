"""The demo: from nothing to a gateway that answers, with real purchases and a ready token for each application."""

from __future__ import annotations

import json
import os
import shlex
import time
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.access.agreements import CONTRACT
from gateway.app import prepare, register_graphiql
from gateway.bars import Meter, bars, pull_round
from gateway.demo.consents import seed_consents
from gateway.demo.quality import quality
from gateway.demo.setting import TRUTH, furnish
from gateway.demo.users import users
from gateway.discovery import discover
from gateway.oauth.administration import change, rotate_secret
from gateway.oauth.applications import add, find
from gateway.oauth.keys import signing_keys
from gateway.oauth.registration import Known
from gateway.oauth.tokens import LIFETIME, Caller, issue
from gateway.schema import declared_schema
from gateway.settings import Settings
from gateway.store.database import writer

_APPLICATIONS = Path(__file__).with_name("applications.toml")


def furnish_world(settings: Settings, console: Console, households: int | None = None) -> None:
    """Fill the sandboxes' folder, with a bar for each partner."""
    meters: dict[str, Meter] = {}
    with bars(console) as progress:

        def watch(name: str, done: int, total: int) -> None:
            if name not in meters:
                meters[name] = Meter(progress, f"furnish {name}")
            meters[name].show(done, total)

        furnish(settings.state, discover(), watch, households)


async def fill(
    settings: Settings, console: Console, servable: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Pull what is new of every partner, link the accounts, and let some clients consent.

    `servable` is awaited as soon as the clients are known; what they bought, which takes longest, comes after it.
    """
    await prepare(settings)
    engine = writer(settings.database)

    async def known() -> None:
        async with engine.begin() as connection:
            await seed_consents(connection)
        await _analyze(engine)
        if servable is not None:
            await servable()

    try:
        await pull_round(settings, engine, console, linked=known)
        await _analyze(engine)
        async with engine.connect() as connection:
            linked = await quality(connection, json.loads((settings.state / TRUTH).read_text()))
        console.print(
            f"  of the pairs of accounts that are one person, {linked.recall:.1%} were found; "
            f"{linked.precision:.1%} of the pairs found are right"
        )
    finally:
        await engine.dispose()


async def _analyze(engine: AsyncEngine) -> None:
    """Tell the planner how the keys are spread; a caller's connection reads that when it is opened."""
    async with engine.connect() as connection:
        await connection.exec_driver_sql("ANALYZE")
        await connection.commit()


async def callers(settings: Settings) -> dict[str, Any]:
    """The demo's people, each with a password, and its applications, each with secret, token and examples.

    It stands in `demo.json` too, for its owner alone.
    """
    path = settings.state / "demo.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    known = {each["id"]: each["secret"] for each in kept.get("applications", ())}
    passwords = {each["id"]: each["password"] for each in kept.get("users", ())}
    await register_graphiql(settings)
    engine = writer(settings.database)
    async with engine.begin() as connection:
        found = [
            await _application(settings, connection, declared, known.get(declared["id"]))
            for declared in tomllib.loads(_APPLICATIONS.read_text())["applications"]
        ]
        people = await users(connection, passwords, _known())
    await engine.dispose()
    document = {
        "graphql": settings.audience,
        "token": f"{settings.issuer}/token",
        "users": people,
        "applications": found,
    }
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
    draft.replace(path)
    return document


async def _application(
    settings: Settings, connection: AsyncConnection, declared: Mapping[str, Any], word: str | None
) -> dict[str, Any]:
    scopes, purposes = declared["scopes"], declared["purposes"]
    word = await _secret(connection, declared, word)
    now = int(time.time())
    caller = Caller(declared["party"], declared["id"], frozenset(scopes), purposes[0])
    token = issue(
        replace(caller, expires=now + LIFETIME),
        signing_keys(settings.state),
        settings.issuer,
        settings.audience,
        now,
    )
    body = json.dumps({"query": declared["example"]}, ensure_ascii=False)
    return {
        "id": declared["id"],
        "secret": word,
        "party": declared["party"],
        "scopes": scopes,
        "purposes": purposes,
        "token": token,
        "curl": f"curl -s {settings.audience} -H 'Authorization: Bearer {token}' "
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}",
        "fresh_token": f"curl -s -u {declared['id']}:{word} -d grant_type=client_credentials {settings.issuer}/token",
    }


async def _secret(connection: AsyncConnection, declared: Mapping[str, Any], word: str | None) -> str:
    """The secret of an application, which then has what is declared; the one that it has, where that is known."""
    id, scopes, purposes = declared["id"], declared["scopes"], declared["purposes"]
    if await find(connection, id) is None:
        return await add(connection, id, declared["name"], declared["party"], scopes, purposes, _known())
    # An older demo registered it with what there was then.
    await change(connection, id, {"scopes": " ".join(scopes), "purposes": " ".join(purposes)})
    return word or await rotate_secret(connection, id)


def _known() -> Known:
    return Known(set(CONTRACT.parties), set(declared_schema().scopes), set(CONTRACT.purposes))


def show(console: Console, settings: Settings, found: Mapping[str, Any]) -> None:
    """Print what a newcomer needs, in a form that can be pasted."""
    for each in found["applications"]:
        console.rule(f"[bold]{each['id']}[/bold] · {each['party']}", align="left")
        console.print(
            f"  secret   {each['secret']}\n  scopes   {' '.join(each['scopes'])}\n"
            f"  purposes {' '.join(each['purposes'])}"
        )
        console.print(f"  a token for {LIFETIME} seconds, at work (paste it):", style="dim")
        console.out(each["curl"], highlight=False)
        console.print("  a fresh token:", style="dim")
        console.out(each["fresh_token"], highlight=False)
    console.rule("[bold]people[/bold], who sign in to GraphiQL in a browser", align="left")
    for each in found["users"]:
        console.print(
            f"  sign in as [bold]{each['id']}[/bold] with the password [bold]{each['password']}[/bold]"
            f" · {each['party']}",
            highlight=False,
        )
    console.rule(align="left")
    console.print(
        f"The gateway serves [bold]{settings.audience}[/bold]; a browser gets GraphiQL there.\n"
        f"All of the above stands in {settings.state / 'demo.json'}. Ctrl-C stops everything.\n"
        "What the clients bought is coming in below; an answer holds what has come so far."
    )
