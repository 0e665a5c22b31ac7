"""Campaigns: what myTarget shows to whom, and the banners in it.

`GET /api/v2/campaigns.json` and `GET /api/v2/banners.json` are myTarget's, pages of `{count, offset, limit, items}`.
That a campaign names its audiences in `targetings.segments` is modelled after its interface. The lists are short
and say nothing of what was deleted, so every pull reads them whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import Column, ForeignKey, Index, Text

from connectors.mailru.mytarget import whole_list
from connectors.mailru.users import PARTY
from connectors.mailru.values import Fields, moscow_moment, text, text_or_none
from gateway.connector import (
    Batch,
    Cursor,
    Dataset,
    Instant,
    Rows,
    Unreadable,
    Upstream,
    agreed,
    follows,
    table,
)

CAMPAIGNS = "/api/v2/campaigns.json"
BANNERS = "/api/v2/banners.json"
ADVERTISING = {"advertising": "mailru:ads"}

_FIELDS = {
    CAMPAIGNS: "id,name,status,date_start,date_end,updated,targetings",
    BANNERS: "id,campaign_id,name,status,moderation_status,updated",
}

mailru_campaigns = table(
    "mailru_campaigns",
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_raw", Text, nullable=False),
    Column("started_on", Text, nullable=False),
    Column("ended_on", Text),
    Column("updated_at", Instant, nullable=False),
    Index("ix_mailru_campaigns_party", "party"),
    rows=agreed("advertising", owner="this.party"),
)
"""`started_on` and `ended_on` are days of Moscow."""

mailru_campaign_segments = table(
    "mailru_campaign_segments",
    Column("campaign_id", Text, ForeignKey("mailru_campaigns.id"), primary_key=True),
    Column("segment_id", Text, primary_key=True),
    Index("ix_mailru_campaign_segments_segment_id", "segment_id"),
    rows=follows("mailru_campaigns", "mailru_campaigns.id = this.campaign_id"),
)
"""The audiences a campaign is for; one that was deleted since may be named still."""

mailru_banners = table(
    "mailru_banners",
    Column("id", Text, primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_raw", Text, nullable=False),
    Column("moderation", Text),
    Column("updated_at", Instant, nullable=False),
    Index("ix_mailru_banners_campaign_id", "campaign_id"),
    rows=follows("mailru_campaigns", "mailru_campaigns.id = this.campaign_id"),
)


@strawberry.enum
class CampaignStatus(Enum):
    """Whether something is being shown; myTarget's own word is in `statusRaw`."""

    ACTIVE = "ACTIVE"
    BLOCKED = "BLOCKED"
    DELETED = "DELETED"
    UNKNOWN = "UNKNOWN"


async def pull_campaigns(upstream: Upstream, cursor: Cursor) -> AsyncIterator[Batch]:
    """All campaigns, then all banners."""
    for path, name in ((CAMPAIGNS, "campaign"), (BANNERS, "banner")):
        if cursor.get("after") != name:
            items = await listed(upstream, path)
            yield Batch([{name: item} for item in items], {"after": name}, len(items))
        cursor = {}
    yield Batch([], {})


async def listed(upstream: Upstream, path: str) -> list[Any]:
    """All campaigns or banners as myTarget has them now."""
    return await whole_list(upstream, path, "id", {"fields": _FIELDS[path]})


def read_campaign(record: Any) -> Rows:
    """A campaign with the audiences it is for, or a banner."""
    if "banner" in record:
        return {mailru_banners: [_banner(record["banner"])]}
    campaign = record["campaign"]
    identity = identifier(campaign, "id")
    row = {
        **_head(campaign),
        "party": PARTY,
        "started_on": day(campaign, "date_start"),
        "ended_on": day(campaign, "date_end") if campaign.get("date_end") else None,
    }
    targets = [{"campaign_id": identity, "segment_id": each} for each in _segments(campaign)]
    return {mailru_campaigns: [row], mailru_campaign_segments: targets}


def _banner(banner: Fields) -> dict[str, Any]:
    own = {
        "campaign_id": identifier(banner, "campaign_id"),
        "moderation": text_or_none(banner, "moderation_status"),
    }
    return {**_head(banner), **own}


def _head(fields: Fields) -> dict[str, Any]:
    raw = text(fields, "status")
    known = raw.upper() in CampaignStatus.__members__
    return {
        "id": identifier(fields, "id"),
        "name": text(fields, "name"),
        "status": raw.upper() if known else CampaignStatus.UNKNOWN.value,
        "status_raw": raw,
        "updated_at": moscow_moment(fields, "updated"),
    }


def _segments(campaign: Fields) -> list[str]:
    targetings = campaign.get("targetings") or {}
    found = targetings.get("segments") or [] if isinstance(targetings, dict) else None
    if not isinstance(found, list) or not all(type(each) is int for each in found):
        raise Unreadable("targetings.segments is no list of numbers")
    return sorted({str(each) for each in found})


def identifier(fields: Fields, name: str) -> str:
    """An id, which myTarget sends as a number."""
    value = fields.get(name)
    if type(value) is not int:
        raise Unreadable(f"{name} is not a number")
    return str(value)


def day(fields: Fields, name: str) -> str:
    """A day as myTarget writes it, which is as ISO 8601 does."""
    try:
        return date.fromisoformat(text(fields, name)).isoformat()
    except ValueError:
        raise Unreadable(f"{name} is not a day") from None


campaigns = Dataset(
    "campaigns",
    pull_campaigns,
    read_campaign,
    covers=ADVERTISING,
    children={mailru_campaign_segments: "campaign_id"},
)
