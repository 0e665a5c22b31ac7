"""Advertising in the graph: campaigns, their banners, and what both did day by day. Nothing here is a person's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import strawberry
from sqlalchemy import bindparam, select

from connectors.mailru.campaigns import CampaignStatus, mailru_banners, mailru_campaigns
from connectors.mailru.statistics import DAYS, mailru_ad_versions
from connectors.mailru.users import PARTY
from connectors.mailru.values import CURRENCY
from gateway.connector import (
    FORWARD,
    Access,
    Amount,
    BigInt,
    Connection,
    DateTime,
    FieldError,
    Money,
    Page,
    Query,
    Row,
    as_keys,
    batch,
    keys,
    requires,
)

FOREVER = "9999-12-31T23:59:59Z"


def amounts_spent(rows: Sequence[Row], access: Access) -> list[Amount]:
    """What it cost."""
    return [Amount(row.spent_minor, CURRENCY) for row in rows]


def days(rows: Sequence[Row], access: Access) -> list[date]:
    """The day, as Moscow counts it."""
    return [date.fromisoformat(row.day) for row in rows]


@strawberry.type(directives=[requires("mailru:ads")])
class AdDay:
    """What a campaign or banner did on one day, as myTarget said at some moment; it corrects past days."""

    day: date = batch(days, needs=["day"])
    shows: BigInt
    clicks: BigInt
    goals: BigInt
    spent: Money = batch(amounts_spent, needs=["spent_minor"])
    known_at: DateTime = strawberry.field(description="When the gateway learnt it.")


async def campaign_days(
    rows: Sequence[Row], access: Access, *, since: date, until: date, as_of: DateTime | None = None
) -> list[list[Row]]:
    """Its days from one to the other, at most 92; with `asOf` as they were known then."""
    return await _days(rows, access, "campaigns", since, until, as_of)


async def banner_days(
    rows: Sequence[Row], access: Access, *, since: date, until: date, as_of: DateTime | None = None
) -> list[list[Row]]:
    """Its days from one to the other, at most 92; with `asOf` as they were known then."""
    return await _days(rows, access, "banners", since, until, as_of)


async def _days(
    rows: Sequence[Row], access: Access, kind: str, since: date, until: date, as_of: str | None
) -> list[list[Row]]:
    if not 0 <= (until - since).days < DAYS:
        message = f"`until` must be `since` or one of the {DAYS - 1} days after it."
        raise FieldError(message, "BAD_USER_INPUT", argument="until")
    subjects = [f"{kind}:{row.id}" for row in rows]
    span = {"since": since.isoformat(), "until": until.isoformat(), "as_of": as_of or FOREVER}
    found = await access.fetch(_versions(), keys=as_keys(subjects), **span)
    # Of a day's versions, the newest comes last.
    known: dict[str, dict[str, Row]] = {subject: {} for subject in subjects}
    for row in found:
        known[row.subject][row.day] = row
    return [list(known[subject].values()) for subject in subjects]


@cache
def _versions() -> Query:
    versions = mailru_ad_versions
    return Query(
        select(versions)
        .where(versions.c.subject.in_(select(keys().c.value)))
        .where(versions.c.day.between(bindparam("since"), bindparam("until")))
        .where(versions.c.known_at <= bindparam("as_of"))
        .order_by(versions.c.subject, versions.c.day, versions.c.known_at)
    )


@strawberry.type(directives=[requires("mailru:ads")])
class Banner:
    """What is shown in a campaign."""

    id: strawberry.ID = strawberry.field(description="myTarget's own id of the banner.")
    name: str
    status: CampaignStatus
    status_raw: str
    moderation: str | None = strawberry.field(
        description="What myTarget's moderators say of it, in its words."
    )
    days: list[AdDay] = batch(banner_days, needs=["id"], list_size=DAYS)


async def campaign_banners(rows: Sequence[Row], access: Access) -> list[list[Row]]:
    """What is shown in it."""
    columns = access.columns(mailru_banners, "Banner")
    return await access.rows(
        mailru_banners, "campaign_id", [row.id for row in rows], columns, (("id", False),)
    )


def first_days(rows: Sequence[Row], access: Access) -> list[date]:
    """The first day on which it may be shown."""
    return [date.fromisoformat(row.started_on) for row in rows]


def last_days(rows: Sequence[Row], access: Access) -> list[date | None]:
    """The last such day, null where there is none."""
    return [date.fromisoformat(row.ended_on) if row.ended_on else None for row in rows]


@strawberry.type(directives=[requires("mailru:ads")])
class Campaign:
    """A campaign in myTarget."""

    id: strawberry.ID = strawberry.field(description="myTarget's own id of the campaign.")
    name: str
    status: CampaignStatus
    status_raw: str
    started_on: date = batch(first_days, needs=["started_on"])
    ended_on: date | None = batch(last_days, needs=["ended_on"])
    banners: list[Banner] = batch(campaign_banners, needs=["id"], list_size=10)
    days: list[AdDay] = batch(campaign_days, needs=["id"], list_size=DAYS)


async def campaigns(
    parents: Sequence[Any], access: Access, *, first: int | None = None, after: str | None = None
) -> list[Page]:
    """The campaigns in myTarget, the latest first."""
    order = (("started_on", True), ("id", False))
    columns = access.columns(mailru_campaigns, "Campaign", "id")
    count = "total_count" in access.asked.get("CampaignConnection", ())
    pages = await access.pages(
        mailru_campaigns, "party", [PARTY], columns, order, first=first, after=after, count=count
    )
    return pages * len(parents)


@strawberry.type
class AdvertisingQuery:
    """What myTarget adds to `Query`."""

    campaigns: Connection[Campaign] = batch(campaigns, requires=requires("mailru:ads"), list_size=FORWARD)
