"""Customers: the bank's clients, of whom it hands over hashes of their contacts, which link them to other accounts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from connectors.bank.lists import pull
from gateway.connector import Batch, Cursor, Dataset, Rows, Unreadable, Upstream, accounts, instant, profiles

_HASH = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9]{1,20}")


def read_customer(record: Mapping[str, Any]) -> Rows:
    """A customer's account and profile. Raises `Unreadable`."""
    account = f"BANK:{customer_id(record['id'])}"
    year = record.get("birth_year")
    if year is not None and not (type(year) is int and 1900 <= year < 2100):
        raise Unreadable("birth_year is not a year")
    known = {"account_id": account, "party": "BANK", "birth_year": year}
    hashes = {name: _hash(record, f"{name}_sha256") for name in ("email", "phone")}
    since = moment(record["since"], "since")
    return {
        accounts: [{"id": account, "party": "BANK", "member_since": since}],
        profiles: [{**known, **hashes}],
    }


def customer_id(value: Any) -> str:
    """The bank's id of a customer. Raises `Unreadable`."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Unreadable("the customer's id is not one")
    return value


def moment(value: Any, name: str) -> str:
    """A moment with a zone, in UTC. Raises `Unreadable`."""
    try:
        return instant(datetime.fromisoformat(value))
    except (TypeError, ValueError, OverflowError):
        raise Unreadable(f"{name} is not a time with a zone") from None


def _hash(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise Unreadable(f"{name} is not the hex of a SHA-256")
    return f"sha256:{value}"


def pull_customers(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """Customers who are new or changed."""
    return pull(upstream, "/v1/customers", cursor)


customers = Dataset(
    "customers",
    pull_customers,
    read_customer,
    covers={"accounts": "clients:read", "profiles": "clients:pii"},
    identity=("id",),
)
