"""Manifests: the files in which an application's own tools list its documents, each with the id they gave it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import SettingsError

_APOLLO = "apollo-persisted-query-manifest"

_APOLLO_HASHES: Mapping[int, str] = {64: "sha256"}
_HASHES: Mapping[int, str] = {32: "md5", 40: "sha1", 64: "sha256"}
"""What an id of so many hexadecimal digits is, of the document's text: Relay makes all three, graphql-codegen two."""

_ID = re.compile(r"[!-~]{1,256}")
_HEX = re.compile(r"[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Listed:
    """A document as a file lists it."""

    id: str
    text: str
    file: str


def read_manifest(path: Path) -> Sequence[Listed]:
    """The documents that a file lists.

    It is a manifest of Apollo's, a JSON object of texts by id as Relay's compiler and graphql-codegen write it, or
    itself a document (`.graphql`), whose id is its SHA-256. Raises `SettingsError` for any other, and for an id that
    looks like a hash of the text and is none.
    """
    try:
        content = path.read_bytes()
        text = content.decode()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8") from None
    if path.suffix in (".graphql", ".gql"):
        return [Listed(hashlib.sha256(content).hexdigest(), text, str(path))]
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise SettingsError(f"{path} is neither JSON nor named as a document, .graphql") from None
    return _listed(manifest, path)


def _listed(manifest: Any, path: Path) -> Sequence[Listed]:
    if not isinstance(manifest, dict):
        raise _unknown(path)
    if "format" in manifest:
        pairs, hashes = _apollo(manifest, path), _APOLLO_HASHES
    else:
        pairs, hashes = list(manifest.items()), _HASHES
    for id, text in pairs:
        if not isinstance(id, str) or not isinstance(text, str):
            raise _unknown(path)
        _check_id(id, text, hashes, path)
    return [Listed(id, text, str(path)) for id, text in pairs]


def _apollo(manifest: Mapping[str, Any], path: Path) -> list[tuple[Any, Any]]:
    operations = manifest.get("operations")
    if (manifest["format"], manifest.get("version")) != (_APOLLO, 1) or not isinstance(operations, list):
        raise SettingsError(f"{path} is not of the format {_APOLLO}, version 1")
    if not all(isinstance(each, dict) for each in operations):
        raise _unknown(path)
    return [(each.get("id"), each.get("body")) for each in operations]


def _check_id(id: str, text: str, hashes: Mapping[int, str], path: Path) -> None:
    if not _ID.fullmatch(id):
        raise SettingsError(f"{path}: {id!r} is no id; use up to 256 characters of ASCII, without spaces")
    bare = id.removeprefix("sha256:")
    algorithm = "sha256" if bare != id else hashes.get(len(id)) if _HEX.fullmatch(id) else None
    if algorithm and bare != hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest():
        raise SettingsError(f"{path}: {id} is not the {algorithm.upper()} of its document, in lower-case hex")


def _unknown(path: Path) -> SettingsError:
    known = "Apollo's manifest, or a JSON object of documents by id as Relay and graphql-codegen write it"
    return SettingsError(f"{path} is no list of documents; known are {known}")
