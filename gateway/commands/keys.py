"""`gateway keys`: the keys that sign tokens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.commands.output import Json, print_one, print_rows
from gateway.commands.transaction import run
from gateway.oauth.audit import record
from gateway.oauth.keyfile import ALGORITHM, SigningKey, State, read
from gateway.oauth.keys import key_file
from gateway.oauth.metadata import MAX_AGE
from gateway.oauth.rotation import Rotation, replace_all, rotate
from gateway.settings import load
from gateway.store.tables import instant

app = typer.Typer(
    name="keys", help="The keys that sign tokens: see them, replace them.", no_args_is_help=True
)

_DAY = 86_400

_WORDS = {
    State.NEXT: "{kid} is published; it may sign from {due}.",
    State.CURRENT: "{kid} signs now.",
    State.RETIRED: "{kid} signs no more; it is published until {due}, when its last token has expired.",
    State.GONE: "{kid} is gone.",
}

_EMERGENCY = (
    "Every token issued until now is refused within a second; applications get a new one when they ask. "
    f"Resource servers elsewhere may refuse new tokens for up to {MAX_AGE} seconds, until they ask for the keys again."
)


@app.command("list")
def list_keys(json: Json = False) -> None:
    """All signing keys, each with its state and when it may go on to the next. For example: gateway keys list --json"""
    keys, now = read(key_file(load().state)), time.time()
    print_rows([described(key, now) for key in keys], ("kid", "state", "due"), json)


@app.command("rotate")
def rotate_keys(
    age: Annotated[
        int, typer.Option(help="Begin only where the current key has signed for this many days.", min=0)
    ] = 0,
    now: Annotated[
        bool, typer.Option("--now", help="A key was stolen: forget all keys, sign with a new one at once.")
    ] = False,
    json: Json = False,
) -> None:
    """Do the step of a rotation that is due, and say when the next one is. For example: gateway keys rotate --age 30

    A rotation has two steps, six minutes or more apart: a next key is published, then it signs in place of the
    current one, which goes by itself when its last token has expired. Nothing breaks, however often this runs:
    from cron, each hour, with --age 30 every key signs for a month.
    """
    path, at = key_file(load().state), int(time.time())

    def recorded(step: Rotation) -> None:
        async def work(connection: AsyncConnection) -> None:
            for each in step.changes:
                await record(connection, "keys rotate", each.kid, state=each.now.value, emergency=now)

        run(work)

    done = replace_all(path, at, recorded) if now else rotate(path, at, age * _DAY, recorded)
    if json:
        print_one(_as_json(done), as_json=True)
    else:
        print("\n".join(_sentences(done, now)))


def described(key: SigningKey, now: float) -> dict[str, Any]:
    """A key as it is shown: all but what signs."""
    return {
        "kid": key.kid,
        "state": key.state_at(now).value,
        "since": _moment(key.since) if key.since else None,
        "due": _moment(key.due) if key.due else None,
        "algorithm": ALGORITHM,
    }


def _as_json(done: Rotation) -> dict[str, Any]:
    return {
        "changes": [
            {"kid": each.kid, "was": each.was.value if each.was else None, "now": each.now.value}
            for each in done.changes
        ],
        "keys": [described(key, time.time()) for key in done.keys],
        "next_step": _moment(done.due) if done.due else None,
    }


def _sentences(done: Rotation, emergency: bool) -> Sequence[str]:
    due = {key.kid: _moment(key.due) for key in done.keys if key.due}
    lines = [_WORDS[each.now].format(kid=each.kid, due=due.get(each.kid)) for each in done.changes]
    if emergency:
        return [*lines, _EMERGENCY]
    if not done.changes:
        lines.append("Nothing is due.")
    waiting = [key for key in done.keys if key.state is State.NEXT]
    if waiting:
        lines.append(f"Run this again from {due[waiting[0].kid]} on: then the next key signs.")
    return lines


def _moment(seconds: int) -> str:
    return instant(datetime.fromtimestamp(seconds, UTC))
