"""myTarget's campaigns, banners and statistics: all of them, in calls that are allowed; what was said before stays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.mailru.campaigns import CAMPAIGNS, campaigns, mailru_campaigns, read_campaign
from connectors.mailru.mytarget import whole_list
from connectors.mailru.sandbox import sandbox
from connectors.mailru.sandbox.faults import FAULTS
from connectors.mailru.statistics import (
    DAYS,
    figures,
    mailru_ad_days,
    parts,
    read_day,
    statistics,
    windows,
)
from gateway.connector import Answer, Kind, PartnerError, Request, Unreadable, Upstream
from gateway.sandboxes.faults import Fault
from gateway.sandboxes.faulty import Faulty
from gateway.store.database import writer
from gateway.sync.pull import pull
from tests.connectors.test_mailru_world import KEYS, folder, look, new_database, partner, write

__all__ = ["folder"]

FAST = {**KEYS, "rps": "1000"}
CAMPAIGN = {
    "id": 5001,
    "name": "For: Soup",
    "status": "active",
    "date_start": "2017-01-31",
    "date_end": None,
    "updated": "2017-03-01 02:00:00",
    "targetings": {"segments": [101]},
}
DAY = {
    "kind": "banners",
    "id": 7,
    "row": {"date": "2017-03-01", "base": {"shows": 9, "clicks": 2, "goals": 0, "spent": "155.8"}},
}


async def rows(engine: AsyncEngine, sql: str) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(text(sql))).all())


def test_windows_are_whole_and_no_longer_than_allowed() -> None:
    start = date(2017, 1, 1)
    for length in (0, 1, DAYS - 1, DAYS, DAYS + 1, 400):
        found = list(windows(start, start + timedelta(days=length)))
        assert all(0 <= (until - since).days < DAYS for since, until in found)
        days = [since + timedelta(days=n) for since, until in found for n in range((until - since).days + 1)]
        assert days == [start + timedelta(days=n) for n in range(length + 1)]
    assert [len(part) for part in parts(range(401))] == [200, 200, 1]


async def test_every_day_of_every_banner_and_campaign_is_there(folder: Path) -> None:
    engine = writer(new_database(folder))
    async with partner(sandbox(folder, FAST)) as upstream:
        for dataset in (campaigns, statistics):
            assert (await pull(engine, upstream, "mailru", dataset)).unreadable == 0
    run = look(folder, "SELECT id, date_start, date_end FROM campaigns")
    assert len(run) == 5
    expected = {
        (f"campaigns:{number}", str(date.fromisoformat(start) + timedelta(days=day)))
        for number, start, end in run
        for day in range((date.fromisoformat(end) - date.fromisoformat(start)).days + 1)
    }
    found = {(row.subject, row.day): row for row in await rows(engine, "SELECT * FROM mailru_ad_days")}
    assert {key for key in found if key[0].startswith("campaigns")} == expected
    for (subject, day), row in found.items():
        if subject.startswith("campaigns"):
            mine = [found[f"banners:{10 * int(subject[10:]) + place}", day] for place in (0, 1)]
            assert row.spent_minor == sum(each.spent_minor for each in mine) > 0
    assert len(await rows(engine, "SELECT * FROM mailru_banners")) == 10
    await engine.dispose()


async def test_a_restated_day_has_both_versions_and_an_unchanged_one_has_one(folder: Path) -> None:
    engine = writer(new_database(folder))
    app = sandbox(folder, FAST)
    async with partner(app) as upstream:
        await pull(engine, upstream, "mailru", statistics)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE mailru_ad_versions SET known_at = '2018-01-01T00:00:00Z'"))
        before = await rows(engine, "SELECT subject, shows FROM mailru_ad_days WHERE day = '2017-11-20'")
        [(last,)] = look(folder, "SELECT max(date_end) FROM campaigns")
        app.state.advertising.restate(last, 30)
        progress = await pull(engine, upstream, "mailru", statistics)
    assert progress.records < 100, "only the days that may still change are read again"
    versions = await rows(engine, "SELECT * FROM mailru_ad_versions ORDER BY subject, day, known_at")
    days = await rows(engine, "SELECT * FROM mailru_ad_days")
    of_last = [row for row in versions if row.day == last]
    assert len(of_last) == 2 * len([row for row in days if row.day == last]) > 0
    for old, new in zip(of_last[::2], of_last[1::2], strict=True):
        assert old.subject == new.subject
        assert new.shows > old.shows
    assert len(versions) == len(days) + len(of_last) // 2
    assert before == await rows(engine, "SELECT subject, shows FROM mailru_ad_days WHERE day = '2017-11-20'")
    await engine.dispose()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"date_from": "2017-01-01", "date_to": "2017-04-03"}, "ERR_WRONG_DATE"),
        ({"date_from": "2017-01-02", "date_to": "2017-01-01"}, "ERR_WRONG_DATE"),
        ({}, "ERR_WRONG_DATE"),
        ({"id": ",".join(map(str, range(201)))}, "ERR_LIMIT_EXCEEDED"),
        ({"id": "4"}, "ERR_WRONG_IDS"),
        ({"id": ""}, "ERR_WRONG_IDS"),
    ],
)
async def test_the_sandbox_refuses_what_mytarget_does(
    folder: Path, query: Mapping[str, str], code: str
) -> None:
    span = {} if "date_from" in query or not query else {"date_from": "2017-01-01", "date_to": "2017-01-02"}
    async with partner(sandbox(folder, FAST)) as upstream:
        with pytest.raises(PartnerError) as caught:
            await figures(upstream, "campaigns/day", [5001], {**span, **query})
    assert (caught.value.kind, caught.value.code) == (Kind.BUSINESS, code)


class Fixed(Upstream):
    """A partner that gives one answer to everything but the question for a token."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("mailru", {**KEYS, "url": f"http://{id(answer)}"})
        self._answer = answer

    async def send(self, request: Request) -> Answer:
        """The answer."""
        return Answer(200, {}, b'{"access_token": "t"}') if "oauth2" in request.path else self._answer


async def test_without_the_right_to_statistics_the_error_says_so() -> None:
    """myTarget answers 404, as if there were none."""
    with pytest.raises(PartnerError, match="right to read them is missing") as caught:
        await figures(Fixed(Answer(404, {}, b"{}")), "campaigns/day", [1], {})
    assert caught.value.kind is Kind.AUTH


async def test_the_thing_itself_for_a_list_of_one_is_read_too() -> None:
    answer = Answer(200, {}, b'{"items": {"id": 1, "rows": []}}')
    assert await figures(Fixed(answer), "campaigns/day", [1], {}) == [{"id": 1, "rows": []}]


async def test_the_statistics_of_one_are_the_same_in_both_forms(folder: Path) -> None:
    """The partner gives the thing itself where a list of one is meant."""
    app = Faulty(sandbox(folder, FAST), FAULTS)
    query = {"date_from": "2017-01-01", "date_to": "2017-03-01"}
    async with partner(app) as upstream:
        [number, *_] = [item["id"] for item in await whole_list(upstream, CAMPAIGNS, "id")]
        straight = await figures(upstream, "campaigns/day", [number], query)
        app.tell(Fault("F37"))
        assert await figures(upstream, "campaigns/day", [number], query) == straight
    assert straight
    assert app.told[0].struck == 1


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"items": [1]}', b'{"items": "x"}'])
async def test_what_are_no_statistics_is_drift(body: bytes) -> None:
    with pytest.raises(PartnerError) as caught:
        await figures(Fixed(Answer(200, {}, body)), "campaigns/day", [1], {})
    assert caught.value.kind is Kind.DRIFT


def test_a_campaign_is_read_with_its_audiences_and_times_of_moscow() -> None:
    [row] = read_campaign({"campaign": CAMPAIGN})[mailru_campaigns]
    assert row["updated_at"] == "2017-02-28T23:00:00Z"
    assert (row["started_on"], row["ended_on"], row["status"]) == ("2017-01-31", None, "ACTIVE")
    odd = read_campaign({"campaign": {**CAMPAIGN, "status": "frozen", "targetings": None}})
    [row] = odd[mailru_campaigns]
    assert (row["status"], row["status_raw"]) == ("UNKNOWN", "frozen")


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "5001"},
        {"id": True},
        {"name": None},
        {"date_start": "31.01.2017"},
        {"date_end": "never"},
        {"updated": "yesterday"},
        {"targetings": "everybody"},
        {"targetings": {"segments": ["101"]}},
    ],
)
def test_a_campaign_that_cannot_be_read_is_put_aside(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_campaign({"campaign": {**CAMPAIGN, **wrong}})


@pytest.mark.parametrize(
    "base",
    [
        {"shows": -1},
        {"shows": 1.0},
        {"clicks": True},
        {"goals": None},
        {"spent": 155.8},
        {"spent": "NaN"},
        {"spent": "1.234"},
    ],
)
def test_a_day_that_cannot_be_read_is_put_aside(base: dict[str, Any]) -> None:
    [row] = read_day(DAY)[mailru_ad_days]
    assert (row["subject"], row["spent_minor"]) == ("banners:7", 15580)
    changed = {**DAY, "row": {"date": "2017-03-01", "base": {**DAY["row"]["base"], **base}}}  # type: ignore[dict-item]
    with pytest.raises(Unreadable):
        read_day(changed)


async def test_a_campaign_that_began_later_is_pulled_from_its_first_day(folder: Path) -> None:
    """Whatever was pulled before it: it cannot have done anything before it was there."""
    engine = writer(new_database(folder))
    async with partner(sandbox(folder, FAST)) as upstream:
        await pull(engine, upstream, "mailru", statistics)
        [(last,)] = look(folder, "SELECT max(date_end) FROM campaigns")
        write(
            folder,
            "INSERT INTO campaigns VALUES (6000, 101, 'New', 'active', ?, ?, '2017-11-29 00:00:00')",
            last,
            last,
        )
        write(
            folder,
            "INSERT INTO banners VALUES (60000, 6000, 'New', 'active', 'allowed', '2017-11-29 00:00:00')",
        )
        await pull(engine, upstream, "mailru", statistics)
    found = await rows(
        engine, "SELECT * FROM mailru_ad_days WHERE subject IN ('campaigns:6000', 'banners:60000')"
    )
    assert [row.day for row in found] == [last, last]
    await engine.dispose()


async def test_a_cursor_from_a_clock_that_was_ahead_hides_no_day(folder: Path) -> None:
    """Nor one that waits for a campaign of next year, while others begin before it."""
    async with partner(sandbox(folder, FAST)) as upstream:
        found = [
            [record async for batch in statistics.pull(upstream, cursor) for record in batch.records]
            for cursor in ({}, {"since": "2100-01-01"})
        ]
    assert found[0]
    assert found[0] == found[1]
