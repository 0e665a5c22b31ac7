"""Reach: what the campaigns for an account's audiences have done till now, asked of myTarget at query time.

myTarget tells nobody whom it showed a banner. So an account's reach is that of the campaigns that are for an
audience it is in: `GET /api/v2/statistics/campaigns/summary.json` (documented), for all accounts of a level in one
call per 200 campaigns. Which audiences and campaigns those are, the gateway's own base says, as far as the caller
may see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import strawberry
from sqlalchemy import select

from connectors.mailru.advertising import Campaign, amounts_spent
from connectors.mailru.campaigns import mailru_campaign_segments, mailru_campaigns
from connectors.mailru.segments import mailru_segment_members
from connectors.mailru.statistics import figures, parts, shown
from connectors.mailru.values import count
from gateway.connector import (
    Access,
    BigInt,
    Kind,
    Money,
    PartnerError,
    Query,
    Row,
    Unreadable,
    Upstream,
    as_keys,
    batch,
    keys,
    list_size,
    requires,
)

MOST = 50
"""Campaigns of one account that are shown, those with the most shows; all count."""


class Reached(NamedTuple):
    """A campaign's row, and what it did; `spent_minor` is in kopecks."""

    campaign: Row
    shows: int
    clicks: int
    goals: int
    spent_minor: int
    people: int


class Total(NamedTuple):
    """What all campaigns for one account did together."""

    campaigns: Sequence[Reached]
    shows: int
    clicks: int
    spent_minor: int


def reached_campaigns(rows: Sequence[Reached], access: Access) -> list[Row]:
    """The campaign."""
    return [row.campaign for row in rows]


@strawberry.type(directives=[requires("mailru:ads")])
class CampaignReach:
    """What a campaign has done since it began."""

    campaign: Campaign = batch(reached_campaigns, needs=["campaign"])
    shows: BigInt
    clicks: BigInt
    goals: BigInt
    people: BigInt = strawberry.field(description="How many it was shown to, each counted once.")
    spent: Money = batch(amounts_spent, needs=["spent_minor"])


@strawberry.type(directives=[requires("mailru:ads")])
class AdReach:
    """What the campaigns for an account's audiences have done till now, as myTarget says at this moment."""

    shows: BigInt
    clicks: BigInt
    spent: Money = batch(amounts_spent, needs=["spent_minor"])
    campaigns: list[CampaignReach] = strawberry.field(
        description="Those with the most shows, at most 50.", directives=[list_size(MOST)]
    )


async def ad_reaches(rows: Sequence[Row], access: Access) -> list[Total]:
    """What the campaigns for its audiences have done till now, asked of myTarget, which does not say to whom."""
    clients = [row.client_id for row in rows]
    aimed: dict[int, list[str]] = {client: [] for client in clients}
    for row in await access.fetch(_aimed(), keys=as_keys(clients)):
        aimed[row.client_id].append(row.campaign_id)
    wanted = sorted({campaign for found in aimed.values() for campaign in found})
    upstream, columns = access.partner("mailru"), access.columns(mailru_campaigns, "Campaign", "id")
    campaigns, done = await asyncio.gather(
        access.one(mailru_campaigns, "id", wanted, columns), summaries(upstream, wanted)
    )
    known = {row.id: row for row in campaigns if row is not None}
    reached = {number: Reached(known[number], **done[number]) for number in done if number in known}
    return [_total([reached[number] for number in aimed[client] if number in reached]) for client in clients]


async def summaries(upstream: Upstream, campaigns: Sequence[str]) -> Mapping[str, dict[str, int]]:
    """What each campaign has done since it began; one that myTarget does not know any more is left out."""
    query = {"metrics": "base,uniques"}
    answers = await asyncio.gather(
        *(figures(upstream, "campaigns/summary", part, query, live=True) for part in parts(campaigns))
    )
    items = [item for answer in answers for item in answer]
    try:
        return {str(item.get("id")): _summary(item) for item in items}
    except Unreadable as error:
        message = f"a summary of myTarget cannot be read: {error}"
        raise PartnerError(Kind.DRIFT, message, partner=upstream.partner) from None


def _summary(item: Mapping[str, Any]) -> dict[str, int]:
    total = item.get("total")
    base, uniques = (total.get(name) if isinstance(total, dict) else None for name in ("base", "uniques"))
    if not isinstance(base, dict) or not isinstance(uniques, dict):
        raise Unreadable("total holds no base and uniques")
    return {**shown(base), "people": count(uniques, "reach")}


def _total(found: Sequence[Reached]) -> Total:
    most = sorted(found, key=lambda each: (-each.shows, int(each.campaign.id)))
    sums = {name: sum(getattr(each, name) for each in found) for name in ("shows", "clicks", "spent_minor")}
    return Total(most[:MOST], **sums)


@cache
def _aimed() -> Query:
    """The campaigns for each client, whose rows and audiences the caller may see."""
    members, aims = mailru_segment_members, mailru_campaign_segments
    return Query(
        select(members.c.client_id, aims.c.campaign_id)
        .distinct()
        .join(aims, aims.c.segment_id == members.c.segment_id)
        .where(members.c.client_id.in_(select(keys().c.value)))
        .order_by(members.c.client_id, aims.c.campaign_id)
    )
