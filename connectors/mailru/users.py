"""Users: Pandao's accounts, with the personal data it holds of them.

Modelled for the venture: the merchant protocol's family has no list of users. It follows the list of orders:
`GET /api/v2/user/multi-get?since&start&limit`, records `{"User": {…}}`, every value a string.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from connectors.mailru.changes import Feed, changes
from connectors.mailru.values import moment, number, text, text_or_none, unwrapped
from gateway.connector import Batch, Cursor, Dataset, Rows, Upstream, accounts, profiles

PARTY = "MAILRU"

FEED = Feed("/api/v2/user/multi-get", "User", "user_id")


def account_id(user_id: str) -> str:
    """The gateway's id of a user's account."""
    return f"{PARTY}:{user_id}"


def pull_users(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """The users changed since the cursor."""
    return changes(upstream, FEED, cursor)


def read_user(record: Any) -> Rows:
    """The account and the profile of one user."""
    user = unwrapped(record, "User")
    account = account_id(text(user, "user_id"))
    born = number(user, "birth_year") if text_or_none(user, "birth_year") else None
    return {
        accounts: [
            {
                "id": account,
                "party": PARTY,
                "member_since": moment(user, "registered"),
                "region": text_or_none(user, "region"),
            }
        ],
        profiles: [
            {
                "account_id": account,
                "party": PARTY,
                "name": text_or_none(user, "name"),
                "email": text_or_none(user, "email"),
                "phone": text_or_none(user, "phone_number"),
                "birth_year": born,
            }
        ],
    }


users = Dataset(
    "users",
    pull_users,
    read_user,
    covers={"accounts": "clients:read", "profiles": "clients:pii", "contacts": "clients:pii"},
    identity=("User", "user_id"),
)
