"""Members: the clients' accounts at AliExpress, with the personal data that AliExpress holds.

Modelled, not documented: no public method of AliExpress gives out members. The venture is taken to have one
of its own, `aliexpress.jv.member.list`, in the manner of the order list (IOP, `param0`, pages, windows of
modification, Pacific times). A field that AliExpress has no value for is absent.
"""

from __future__ import annotations

from typing import Any

from connectors.alibaba.fields import fields, optional, text, whole
from connectors.alibaba.listings import Listing
from connectors.alibaba.pacific import moment
from gateway.connector import Dataset, Rows, accounts, instant, profiles

PARTY = "ALIBABA"


def read_member(record: Any) -> Rows:
    """One `member_dto` as rows. Raises `Unreadable`."""
    member = fields(record, "member")
    id_ = f"{PARTY}:{text(member, 'login_id')}"
    since = moment(member["gmt_register"], "gmt_register") if member.get("gmt_register") else None
    account = {
        "id": id_,
        "party": PARTY,
        "member_since": instant(since) if since else None,
        "region": optional(member, "region"),
    }
    profile = {
        "account_id": id_,
        "party": PARTY,
        "name": optional(member, "full_name"),
        "email": optional(member, "email"),
        "phone": optional(member, "mobile_no"),
        "birth_year": whole(member, "birth_year") if member.get("birth_year") else None,
    }
    return {accounts: [account], profiles: [profile]}


member_list = Listing("aliexpress.jv.member.list", "member_dto")

dataset = Dataset(
    name="members",
    pull=member_list.pull,
    read=read_member,
    covers={"accounts": "clients:read", "profiles": "clients:pii", "contacts": "clients:pii"},
    identity=("login_id",),
)
