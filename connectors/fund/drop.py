"""The drop: a folder per quarter, with CSV files, a manifest, and a marker `.done` that is laid down last.

Modelled on a folder behind SFTP that is served over HTTP: `GET /drop/index.json` lists the folders, and each
file is at `/drop/<folder>/<file>`. To restate a quarter the fund takes away `.done`, writes all files anew
with a higher version in the manifest, and lays `.done` down again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from connectors.fund.books import read_books
from connectors.fund.manifest import listed, version_of
from gateway.connector import Answer, Batch, Cursor, Kind, PartnerError, Request, Unreadable, Upstream

QUARTER = re.compile(r"[0-9]{4}Q[1-4]")


async def pull_quarters(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """Each complete quarter that is new or restated, with all its files, as one record.

    The cursor keeps a quarter's version and a digest of what was read. A version is read once, except one
    that was not consistent: its files are fetched again by every pull, and handed on when they differ.
    """
    taken: dict[str, Any] = dict(cursor.get("taken", {}))
    for quarter in await _quarters(upstream):
        record = await _record(upstream, quarter, taken.get(quarter, {}))
        if record is not None:
            taken = {**taken, quarter: _mark(record)}
            yield Batch([record], {"taken": taken})
    yield Batch([], {"taken": taken})


def _mark(record: Mapping[str, Any]) -> dict[str, Any]:
    sums = [(name, file and file["sha256"]) for name, file in sorted(record["files"].items())]
    digest = hashlib.sha256(orjson.dumps([record["manifest"], sums])).hexdigest()
    return {"version": version_of(record["manifest"]), "digest": digest, "consistent": _consistent(record)}


def _consistent(record: Mapping[str, Any]) -> bool:
    try:
        read_books(record)
    except Unreadable:
        return False
    return True


async def _record(upstream: Upstream, quarter: str, seen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The quarter's files as they are now, or None when it is incomplete, or nothing in it is new."""
    if await _file(upstream, quarter, ".done") is None:
        return None
    manifest = _json(await _file(upstream, quarter, "manifest.json") or b"")
    if seen.get("consistent") and version_of(manifest) <= seen["version"]:
        return None
    files = {name: _seen(await _file(upstream, quarter, name)) for name in listed(manifest)}
    record = {"quarter": quarter, "manifest": manifest, "files": files}
    # Taken away meanwhile, the marker says that the files are of two versions.
    if _mark(record) == seen or await _file(upstream, quarter, ".done") is None:
        return None
    return record


async def _quarters(upstream: Upstream) -> list[str]:
    index = await upstream.read(
        lambda: Request("GET", "/drop/index.json", name="index"), lambda answer: _found(answer) or b""
    )
    folders = _json(index)
    if not isinstance(folders, list):
        raise PartnerError(Kind.DRIFT, "the drop's index is not a list of folders")
    return sorted(name for name in folders if isinstance(name, str) and QUARTER.fullmatch(name))


async def _file(upstream: Upstream, quarter: str, name: str) -> bytes | None:
    return await upstream.read(lambda: Request("GET", f"/drop/{quarter}/{name}", name="file"), _found)


def _found(answer: Answer) -> bytes | None:
    if answer.status == 404:
        return None
    if answer.status == 200:
        return answer.body
    kinds = {401: Kind.AUTH, 403: Kind.AUTH, 429: Kind.THROTTLED}
    kind = Kind.TRANSIENT if answer.status >= 500 else kinds.get(answer.status, Kind.BUSINESS)
    raise PartnerError(kind, f"the drop answered HTTP {answer.status}", code=str(answer.status))


def _seen(body: bytes | None) -> dict[str, Any] | None:
    if body is None:
        return None
    text = body.decode("utf-8", "replace")
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "text": text}


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
