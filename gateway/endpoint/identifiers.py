"""Identifiers: what a request calls a document by that it does not send, or sends to be kept under that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import Refusal

NAMES = ("documentId", "doc_id")
"""Where a request has an identifier: as GraphQL over HTTP has it (appendix A), and as Relay's documentation has it."""

_LENGTH = 256


def identifier(body: Mapping[str, Any]) -> str | None:
    """The identifier of a request, if it has one: its own member, or the hash in Apollo's `extensions.persistedQuery`.

    Only with the latter may the document come along, to be kept under that. Raises `Refusal` 400.
    """
    standard, relay = (body.get(name) for name in NAMES)
    automatic = (body.get("extensions") or {}).get("persistedQuery")
    if standard is None:
        if automatic is not None:
            return _hash(automatic)
        # Beside a document, this is one of the members that nobody knows, and that change nothing.
        return None if relay is None or body.get("query") else _text("`doc_id`", relay)
    if automatic is not None:
        message = "Send `documentId` or `persistedQuery` in `extensions`, not both."
        raise Refusal(400, "BAD_REQUEST", message)
    if body.get("query"):
        raise Refusal(400, "CANNOT_SEND_PQ_ID_AND_BODY", "Send `query` or `documentId`, not both.")
    return _text("`documentId`", standard)


def _hash(automatic: Any) -> str:
    name = "`extensions.persistedQuery`"
    if not isinstance(automatic, dict):
        raise Refusal(400, "BAD_REQUEST", f"{name} must be an object.")
    version = automatic.get("version")
    if type(version) is not int or version != 1:
        # By this code a client learns to send its texts.
        raise Refusal(400, "PERSISTED_QUERY_NOT_SUPPORTED", f"`version` in {name} must be 1.")
    return _text(f"`sha256Hash` in {name}", automatic.get("sha256Hash"))


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LENGTH:
        raise Refusal(400, "BAD_REQUEST", f"{name} must be a text of 1 to {_LENGTH} characters.")
    return value
