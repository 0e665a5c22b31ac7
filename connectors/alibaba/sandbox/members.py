"""Members, as the modelled `aliexpress.jv.member.list` gives them out."""

from __future__ import annotations

import sqlite3

from connectors.alibaba.sandbox.listings import Listing, Record

_COLUMNS = {
    "login_id": "id",
    "full_name": "name",
    "email": "email",
    "mobile_no": "phone",
    "region": "region",
    "birth_year": "birth_year",
    "gmt_register": "created",
    "gmt_update": "modified",
}


def member(row: sqlite3.Row, simplify: bool) -> Record:
    """One `member_dto`; what is not known is absent."""
    return {name: row[column] for name, column in _COLUMNS.items() if row[column] is not None}


members = Listing("members", "member_dto", member)
