"""Rich authorization requests (RFC 9396): the datasets that a token is narrowed to, as asked for and as granted.

An entry is `{"type": "partner_data", "party": "MAILRU", "datasets": ["accounts", "orders"], "purpose": "analytics"}`:
whose data, which of them, and what for. `purpose` may be left out, and is the token's one purpose where it is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple, NoReturn, TypeGuard

from authlib.oauth2.rfc6749 import OAuth2Error

PARTNER_DATA = "partner_data"
"""The one type of details there is."""

MAX_DETAILS = 4096
"""Characters that the parameter may have; what is granted is much less."""

_MEMBERS = {"type", "party", "datasets", "purpose"}

Datasets = frozenset[tuple[str, str]]
"""Datasets, each as (party, dataset)."""


class InvalidAuthorizationDetails(OAuth2Error):  # type: ignore[misc]
    """What was asked for in `authorization_details` is malformed, or more than may be had (RFC 9396, 5)."""

    error = "invalid_authorization_details"


class Details(NamedTuple):
    """What is asked for: datasets, and the purpose if one is said."""

    datasets: Datasets
    purpose: str | None


def read(text: str) -> Details:
    """The details in a parameter. Raises `InvalidAuthorizationDetails`, in words that repeat none of them."""
    found: set[tuple[str, str]] = set()
    purposes: set[str] = set()
    for entry in _entries(text):
        party, datasets, purpose = _entry(entry)
        for dataset in datasets:
            if (party, dataset) in found:
                _refuse("A dataset must not be asked for twice.")
            found.add((party, dataset))
        purposes |= {purpose} if purpose is not None else set()
    if len(purposes) > 1:
        _refuse("A token has one purpose: all entries must say the same.")
    return Details(frozenset(found), purposes.pop() if purposes else None)


def claim(datasets: Datasets, purpose: str) -> list[dict[str, Any]]:
    """What was granted, as tokens and answers have it: one entry a party, with the purpose said (RFC 9396, 7.1)."""
    return [
        {"type": PARTNER_DATA, "party": party, "datasets": found, "purpose": purpose}
        for party, found in by_party(datasets)
    ]


def granted(entries: Any) -> Datasets:
    """The datasets in what `claim` made. Raises ValueError for anything else: rather none than too many."""
    try:
        return frozenset(
            (party, dataset) for party, datasets, _ in map(_entry, entries) for dataset in datasets
        )
    except (InvalidAuthorizationDetails, TypeError):
        raise ValueError("the details are not those of a token") from None


def by_party(datasets: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Each party with its datasets, in the order of the alphabet."""
    for party, pairs in groupby(sorted(datasets), key=lambda pair: pair[0]):
        yield party, [dataset for _, dataset in pairs]


def _entries(text: str) -> list[Any]:
    if len(text) > MAX_DETAILS:
        _refuse(f"The details must not exceed {MAX_DETAILS} characters.")
    try:
        entries = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        _refuse("The details must be a JSON array of objects, in which no member is said twice.")
    if not isinstance(entries, list) or not entries:
        _refuse("The details must be a JSON array of at least one object.")
    return entries


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is said twice")
    return members


def _entry(entry: Any) -> tuple[str, list[str], str | None]:
    """Party, datasets and purpose of one entry."""
    if not isinstance(entry, dict) or entry.get("type") != PARTNER_DATA:
        _refuse(f"Each entry must be an object of the type {PARTNER_DATA}.")
    if entry.keys() - _MEMBERS:
        _refuse("An entry has the members type, party, datasets and purpose, and no other.")
    party, datasets, purpose = entry.get("party"), entry.get("datasets"), entry.get("purpose", "")
    if not _is_text(party) or not _is_text(purpose):
        _refuse("The party of an entry must be a text, and so must its purpose, if it is said.")
    if not isinstance(datasets, list) or not datasets or not all(map(_is_text, datasets)):
        _refuse("The datasets of an entry must be an array of at least one text.")
    return party, datasets, purpose if "purpose" in entry else None


def _is_text(value: Any) -> TypeGuard[str]:
    # Half a surrogate pair is a text to JSON, and to nothing that the value goes to later.
    return isinstance(value, str) and value.isprintable()


def _refuse(description: str) -> NoReturn:
    raise InvalidAuthorizationDetails(description)
