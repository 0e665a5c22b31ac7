"""A partner that was taken over answers with whatever it likes, by its own protocol (as in CVE-2026-32621).

Whatever that is, its records are put aside or the pull ends in our words; nothing of it gets in among the data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.connector import PartnerError, Upstream
from gateway.store.database import migrate, writer
from gateway.store.tables import NOBODY, metadata
from gateway.sync.keep import keep
from gateway.sync.runs import dead_letters
from gateway.upstream.http import Answer
from tests.partners import FOLDERS, books, dataset_of, every_dataset, keys_of, served, subjects_of

__all__ = ["books"]

CANARY = "canary-5d1e"
MEANINGFUL = ("__proto__", "constructor", "__class__", "__init__", "toString")


def extended(value: Any) -> str:
    """JSON with members in each object that mean something to a script, and each member twice."""
    if isinstance(value, dict):
        odd = [f'"{name}": {{"admin": "{CANARY}"}}' for name in MEANINGFUL]
        first = [f"{json.dumps(name)}: {json.dumps(CANARY)}" for name in value]
        last = [f"{json.dumps(name)}: {extended(each)}" for name, each in value.items()]
        return "{" + ", ".join([*odd, *first, *last]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(extended, value)) + "]"
    return json.dumps(value)


def enormous(value: Any) -> str:
    """JSON whose numbers are too large for anything, and whose texts are as well."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {enormous(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(enormous, value[:3])) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "9" * 300
    return json.dumps(value)


def muddled(value: Any) -> str:
    """JSON in which each value is of another type."""
    if isinstance(value, dict):
        return json.dumps(
            {name: [[CANARY]] if not isinstance(each, (dict, list)) else each for name, each in value.items()}
        )
    return json.dumps({CANARY: value})


def meddled(app: ASGIApp, change: Callable[[Any], str]) -> ASGIApp:
    """The app, of whose JSON something else is made on the way."""

    async def meddle(scope: Scope, receive: Receive, send: Send) -> None:
        kept: list[Message] = []

        async def collect(message: Message) -> None:
            kept.append(message)

        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        await app(scope, receive, collect)
        body = b"".join(each.get("body", b"") for each in kept)
        with suppress(ValueError):
            body = change(json.loads(body)).encode()
        headers = [each for each in kept[0]["headers"] if each[0].lower() != b"content-length"]
        await send({**kept[0], "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return meddle


@pytest.mark.parametrize("change", [extended, enormous, muddled], ids=lambda change: change.__name__)
@every_dataset
async def test_nothing_of_a_hostile_answer_gets_in_among_the_data(
    name: str, dataset: str, change: Callable[[Any], str], books: Path, tmp_path: Path
) -> None:
    """Asked by the connector itself over HTTP, and kept in a database of the gateway's."""
    connector, found, keys = FOLDERS[name], dataset_of(name, dataset), keys_of(FOLDERS[name])
    assert connector.sandbox is not None
    migrate(tmp_path / "gateway.db")
    said, came, engine = "", 0, writer(tmp_path / "gateway.db")
    subjects = await subjects_of(found)
    try:
        async with (
            served(meddled(connector.sandbox(books, keys), change)) as url,
            Upstream(name, {**keys, "url": url}) as upstream,
            engine.connect() as connection,
        ):
            await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            try:
                async for batch in found.pull(upstream, {}, *subjects):
                    await keep(connection, name, found, batch)
                    came += len(batch.records)
                    if came:
                        break
            except PartnerError as error:
                said = str(error)
            except (TypeError, ValueError, KeyError, AttributeError):
                # Told by its kind alone: see "one failing dataset costs no other" in tests/test_sync_failures.py.
                pass
            stored = await connection.run_sync(everything)
    finally:
        await engine.dispose()
    # The members that are meant are there still, so what is not hostile comes in.
    # The fund's drop is no JSON, and what messages say is kept for the gateway alone.
    kept_apart = name == "fund" or dataset == "messages"
    assert stored != "[]" or not came or change is not extended or kept_apart
    assert CANARY not in stored + said
    assert "9" * 30 not in stored + said


def everything(connection: Connection) -> str:
    """All that is stored for callers, and the reasons for what was put aside."""
    tables = [table for table in metadata.sorted_tables if table.info["rows"] != NOBODY]
    rows = [tuple(row) for table in tables for row in connection.execute(select(table))]
    return str([*rows, *connection.execute(select(dead_letters.c.reason)).scalars()])


@pytest.mark.parametrize(
    "body",
    [
        b'{"total": NaN}',
        b'{"total": -Infinity}',
        b'{"total": 1e999}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"name": "\\ud800"}',
        b'{"name": "\x00"}',
        b"\xef\xbb\xbf{}",
    ],
    ids=["NaN", "-Infinity", "1e999", "lists", "objects", "half a character", "NUL", "a mark of order"],
)
def test_what_is_no_json_is_none(body: bytes) -> None:
    """Though other readers may take it for some; neither does its depth cost anything."""
    with pytest.raises(PartnerError, match=r"^the answer \(HTTP 200\) is not JSON$"):
        Answer(200, {}, body).json()
