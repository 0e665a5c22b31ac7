"""The drop: a folder per quarter, with CSV files, a manifest, and a marker `.done` that is laid down last.

Modelled on a folder behind SFTP that is served over HTTP: `GET /drop/index.json` lists the folders, and each
file is at `/drop/<folder>/<file>`. To restate a quarter the fund lays down a folder more, `2017Q3-r2`, whose
manifest has that version; or it takes away `.done`, writes all files anew with a higher version in the
manifest, and lays `.done` down again. A version once published stays as it was: the same one with other
figures is put aside.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from connectors.fund.books import read_books
from connectors.fund.manifest import as_agreed, listed, version_of
from gateway.connector import Answer, Batch, Cursor, Kind, PartnerError, Request, Unreadable, Upstream

QUARTER = re.compile(r"[0-9]{4}Q[1-4]")
_FOLDER = re.compile(r"([0-9]{4}Q[1-4])(?:-r([2-9]|[1-9][0-9]))?")


async def pull_quarters(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """Each complete quarter that is new or restated, with all its files, as one record.

    The cursor keeps each folder's version with a digest of what was read, and the digest of each version that
    was kept. A version is read once, except one that was not consistent: its files are fetched again by every
    pull, and handed on when they differ.
    """
    taken: dict[str, Any] = dict(cursor.get("taken", {}))
    kept: dict[str, str] = dict(cursor.get("kept", {}))
    for folder in await _folders(upstream):
        record = await _record(upstream, folder, taken.get(folder, {}), kept)
        if record is not None:
            mark = _mark(record)
            taken = {**taken, folder: mark}
            if mark["consistent"]:
                kept = {**kept, _version(record): mark["digest"]}
            yield Batch([record], {"taken": taken, "kept": kept})
    yield Batch([], {"taken": taken, "kept": kept})


def _version(record: Mapping[str, Any]) -> str:
    return f"{record['quarter']}/{version_of(record['manifest'])}"


def _mark(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": version_of(record["manifest"]),
        "manifest": _digest(record["manifest"]),
        "digest": _content(record),
        "consistent": _consistent(record),
    }


def _content(record: Mapping[str, Any]) -> str:
    sums = [(name, file and file["sha256"]) for name, file in sorted(record["files"].items())]
    return _digest([record["manifest"], sums])


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _consistent(record: Mapping[str, Any]) -> bool:
    try:
        read_books(record)
    except Unreadable:
        return False
    return True


async def _record(
    upstream: Upstream, folder: str, seen: Mapping[str, Any], kept: Mapping[str, str]
) -> dict[str, Any] | None:
    """The folder's files as they are now, or None when it is incomplete, or nothing in it is new."""
    if await _file(upstream, folder, ".done") is None:
        return None
    manifest = await _manifest(upstream, folder)
    if seen.get("consistent") and not _newer(manifest, seen):
        return None
    files = {name: _seen(await _file(upstream, folder, name)) for name in listed(manifest)}
    quarter, _, revision = folder.partition("-r")
    record: dict[str, Any] = {"quarter": quarter, "manifest": manifest, "files": files}
    record["revision"] = int(revision) if revision else None
    digest = _content(record)
    record["altered"] = kept.get(_version(record), digest) != digest
    # Taken away meanwhile, the marker says that the files are of two versions.
    if _mark(record) == seen or await _file(upstream, folder, ".done") is None:
        return None
    return record


def _newer(manifest: Any, seen: Mapping[str, Any]) -> bool:
    """Whether a manifest is of a later version than was seen, or of the same and changed."""
    if version_of(manifest) != seen["version"]:
        return version_of(manifest) > int(seen["version"])
    digest = _digest(manifest)
    return bool(seen.get("manifest", digest) != digest)


async def _folders(upstream: Upstream) -> list[str]:
    folders = await upstream.read(
        lambda: Request("GET", "/drop/index.json", name="index"),
        lambda answer: None if _found(answer) is None else answer.json(),
    )
    if not isinstance(folders, list):
        raise PartnerError(Kind.DRIFT, "the drop's index is not a list of folders")
    return sorted(name for name in folders if isinstance(name, str) and _FOLDER.fullmatch(name))


async def _manifest(upstream: Upstream, folder: str) -> Any:
    """The manifest, None where it is missing or no JSON."""
    try:
        return as_agreed(orjson.loads(await _file(upstream, folder, "manifest.json") or b""))
    except orjson.JSONDecodeError:
        return None


async def _file(upstream: Upstream, folder: str, name: str) -> bytes | None:
    return await upstream.read(lambda: Request("GET", f"/drop/{folder}/{name}", name="file"), _found)


def _found(answer: Answer) -> bytes | None:
    if answer.status == 404:
        return None
    if answer.status == 200:
        # Somebody between us and the drop says that it cannot be reached, in a page.
        if answer.body[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
            raise PartnerError(Kind.TRANSIENT, "the drop answered with a page of HTML")
        return answer.body
    kinds = {401: Kind.AUTH, 403: Kind.AUTH, 429: Kind.THROTTLED}
    kind = Kind.TRANSIENT if answer.status >= 500 else kinds.get(answer.status, Kind.BUSINESS)
    raise PartnerError(kind, f"the drop answered HTTP {answer.status}", code=str(answer.status))


def _seen(body: bytes | None) -> dict[str, Any] | None:
    if body is None:
        return None
    text = body.decode("utf-8", "replace")
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "text": text}
