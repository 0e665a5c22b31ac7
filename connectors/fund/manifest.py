"""Manifest: what a quarter's folder must hold, and whether it does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.connector import Unreadable, instant

FILE = re.compile(r"[a-z_]{1,40}\.csv")
MOST_FILES = 20
TOTALS = ("commitment", "contributions", "distributions", "nav")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read; `rows` counts each file's rows, `totals` are the fund's own figures."""

    version: int
    currency: str
    published_at: str
    rows: Mapping[str, int]
    totals: Mapping[str, str]


_MEMBERS = ("quarter", "version", "currency", "published", "totals", "files")
_OF_FILES = ("name", "size", "sha256", "rows")


def as_agreed(manifest: Any) -> Any:
    """A manifest without the members that nobody agreed on, so that one more or less is no other version."""
    if not isinstance(manifest, dict):
        return manifest
    found = _only(manifest, _MEMBERS)
    if isinstance(files := found.get("files"), list):
        found["files"] = [_only(each, _OF_FILES) if isinstance(each, dict) else each for each in files]
    if isinstance(totals := found.get("totals"), dict):
        found["totals"] = _only(totals, TOTALS)
    return found


def _only(value: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}


def version_of(manifest: Any) -> int:
    """The version a manifest gives, 0 where it gives none."""
    version = manifest.get("version") if isinstance(manifest, dict) else None
    return version if isinstance(version, int) and not isinstance(version, bool) else 0


def listed(manifest: Any) -> list[str]:
    """The files that a manifest lists, as far as their names are of files in its own folder."""
    entries = manifest.get("files") if isinstance(manifest, dict) else None
    entries = entries if isinstance(entries, list) else []
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    return [name for name in names if isinstance(name, str) and FILE.fullmatch(name)][:MOST_FILES]


def read_manifest(record: Mapping[str, Any]) -> Manifest:
    """The manifest of a quarter's record. Raises `Unreadable` when a file of the record is not as it says."""
    manifest = record["manifest"]
    if version_of(manifest) < 1 or manifest.get("quarter") != record["quarter"]:
        raise Unreadable("the manifest is not one of this quarter with a version from 1 up")
    if record.get("revision") not in (None, version_of(manifest)):
        raise Unreadable("the manifest's version is not the one of the folder's name")
    names, entries = listed(manifest), manifest["files"] if isinstance(manifest.get("files"), list) else []
    if len(set(names)) != len(entries):
        raise Unreadable("the manifest does not list files of its folder, each once")
    for entry in entries:
        _compare(entry, record["files"][entry["name"]])
    totals = manifest.get("totals")
    if not isinstance(totals, dict) or not all(isinstance(totals.get(name), str) for name in TOTALS):
        raise Unreadable("the manifest lacks the fund's totals")
    rows = {entry["name"]: entry["rows"] for entry in entries}
    return Manifest(version_of(manifest), _currency(manifest), _published(manifest), rows, totals)


def _compare(entry: Mapping[str, Any], file: Mapping[str, Any] | None) -> None:
    if file is None:
        raise Unreadable(f"{entry['name']} is missing")
    for name in ("size", "sha256"):
        if entry.get(name) != file[name]:
            raise Unreadable(f"{entry['name']} has not the {name} that the manifest says")
    if not isinstance(entry.get("rows"), int):
        raise Unreadable(f"the manifest does not count the rows of {entry['name']}")


def _currency(manifest: Mapping[str, Any]) -> str:
    currency = manifest.get("currency")
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise Unreadable("the manifest's currency is not a code of ISO 4217")
    return currency


def _published(manifest: Mapping[str, Any]) -> str:
    try:
        return instant(datetime.fromisoformat(manifest["published"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Unreadable("the manifest's published is not a time with a zone") from None
