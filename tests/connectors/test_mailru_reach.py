"""What campaigns reached, asked of myTarget while an operation runs: one call for all, and no more than may be seen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.mailru.sandbox import sandbox
from gateway.engine.run import Result
from gateway.errors import PartnerError
from gateway.oauth.tokens import Caller
from gateway.store.readers import Readers
from tests.connectors.test_mailru_graphql import SCOPES, answer, readers
from tests.connectors.test_mailru_world import KEYS, folder, look, partner

__all__ = ["folder", "readers"]

ADS = SCOPES | {"mailru:ads"}
MAILRU = Caller("MAILRU", "app", ADS, "analytics")
ALIBABA = Caller("ALIBABA", "app", ADS, "analytics")

REACH = """{ clients(first: 100) { nodes { mailru { memberSince segments { id } adReach {
    shows clicks spent { minor currency }
    campaigns { campaign { id name } shows clicks goals people spent { minor } }
} } } } }"""

DAYS = """{ campaigns(first: 10) { totalCount nodes { id name status startedOn endedOn
    banners { name moderation days(since: "2017-11-01", until: "2017-11-30") { day shows } }
    days(since: "2017-11-01", until: "2017-11-30") { day shows clicks spent { minor } knownAt }
} } }"""


def counted(app: ASGIApp, calls: Counter[str]) -> ASGIApp:
    """The app, and how often each of its paths was called."""

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            calls[scope["path"].rpartition("/")[2]] += 1
        await app(scope, receive, send)

    return counting


def found_in(result: Result) -> list[Any]:
    assert result.errors == []
    assert result.data is not None
    return [node["mailru"] for node in result.data["clients"]["nodes"]]


async def test_all_accounts_of_a_level_are_answered_by_one_call(readers: Readers, folder: Path) -> None:
    calls: Counter[str] = Counter()
    async with partner(counted(sandbox(folder, KEYS), calls)) as upstream:
        found = found_in(await answer(readers, MAILRU, REACH, upstream))
    assert calls == {"summary.json": 1, "token.json": 1}
    aims = {
        str(segment): str(number) for number, segment in look(folder, "SELECT id, segment_id FROM campaigns")
    }
    assert len(found) == 60
    for account in found:
        reach = account["adReach"]
        expected = {aims[segment["id"]] for segment in account["segments"]}
        assert {each["campaign"]["id"] for each in reach["campaigns"]} == expected
        for name in ("shows", "clicks"):
            assert reach[name] == sum(each[name] for each in reach["campaigns"])
        assert reach["spent"]["minor"] == sum(each["spent"]["minor"] for each in reach["campaigns"])
        assert all(0 < each["people"] < each["shows"] for each in reach["campaigns"])
    assert any(len(account["adReach"]["campaigns"]) > 1 for account in found)
    assert any(account["adReach"]["shows"] == 0 for account in found), "some are in no audience"


async def test_the_summary_is_the_sum_of_the_days_that_were_pulled(readers: Readers, folder: Path) -> None:
    operation = """{ campaigns(first: 100) { nodes { id
        a: days(since: "2017-01-01", until: "2017-04-01") { shows }
        b: days(since: "2017-04-02", until: "2017-07-02") { shows }
        c: days(since: "2017-07-03", until: "2017-10-02") { shows }
        d: days(since: "2017-10-03", until: "2017-12-31") { shows }
    } } }"""
    async with partner(sandbox(folder, KEYS)) as upstream:
        accounts = found_in(await answer(readers, MAILRU, REACH, upstream))
    live = {
        each["campaign"]["id"]: each["shows"]
        for account in accounts
        for each in account["adReach"]["campaigns"]
    }
    result = await answer(readers, MAILRU, operation)
    assert result.data is not None
    for campaign in result.data["campaigns"]["nodes"]:
        if campaign["id"] in live:
            assert live[campaign["id"]] == sum(day["shows"] for part in "abcd" for day in campaign[part])


async def test_another_party_sees_it_of_those_who_consented(readers: Readers, folder: Path) -> None:
    async with partner(sandbox(folder, KEYS)) as upstream:
        own = found_in(await answer(readers, MAILRU, REACH, upstream))
        others = found_in(await answer(readers, ALIBABA, REACH, upstream))
    assert len(others) == 30
    assert all(account in own for account in others)


@pytest.mark.parametrize("scope", ["mailru:ads", "mailru:segments"])
async def test_without_a_scope_it_is_null_and_nobody_is_called(
    readers: Readers, folder: Path, scope: str
) -> None:
    calls: Counter[str] = Counter()
    caller = Caller("MAILRU", "app", ADS - {scope}, "analytics")
    async with partner(counted(sandbox(folder, KEYS), calls)) as upstream:
        result = await answer(readers, caller, REACH, upstream)
    assert result.data is not None
    assert all(node["mailru"]["adReach"] is None for node in result.data["clients"]["nodes"])
    assert not calls


async def test_where_mytarget_fails_all_else_stands(readers: Readers, folder: Path) -> None:
    async with partner(sandbox(folder, {**KEYS, "client_secret": "another"})) as upstream:
        result = await answer(readers, MAILRU, REACH, upstream)
    assert result.data is not None
    accounts = [node["mailru"] for node in result.data["clients"]["nodes"]]
    assert all(account["adReach"] is None and account["memberSince"] for account in accounts)
    assert all(isinstance(error.original_error, PartnerError) for error in result.errors)


async def test_where_the_operator_set_no_address_the_error_says_so(readers: Readers) -> None:
    result = await answer(readers, MAILRU, REACH)
    assert {error.original_error.extensions["code"] for error in result.errors} == {"PARTNER_UNAVAILABLE"}  # type: ignore[union-attr]


async def test_campaigns_are_listed_with_their_days(readers: Readers, folder: Path) -> None:
    result = await answer(readers, MAILRU, DAYS)
    assert result.errors == []
    assert result.data is not None
    assert result.data["campaigns"]["totalCount"] == 5
    nodes = result.data["campaigns"]["nodes"]
    assert [node["startedOn"] for node in nodes] == sorted((n["startedOn"] for n in nodes), reverse=True)
    assert {node["status"] for node in nodes} == {"ACTIVE", "BLOCKED"}
    for node in nodes:
        days = [day["day"] for day in node["days"]]
        assert days == sorted(days)
        assert [
            sum(each)
            for each in zip(*([d["shows"] for d in b["days"]] for b in node["banners"]), strict=True)
        ] == [day["shows"] for day in node["days"]]


async def test_as_of_a_moment_a_day_is_what_it_was_then(readers: Readers) -> None:
    operation = """{ campaigns(first: 1) { nodes {
        before: days(since: "2017-11-01", until: "2017-11-20", asOf: "2017-11-02T00:00:00Z") { shows }
        now: days(since: "2017-11-01", until: "2017-11-20", asOf: "2999-11-02T00:00:00Z") { shows }
    } } }"""
    result = await answer(readers, MAILRU, operation)
    assert result.data is not None
    [campaign] = result.data["campaigns"]["nodes"]
    assert campaign["before"] == [], "nothing was known yet"
    assert campaign["now"]


async def test_more_days_than_a_call_may_have_are_refused(readers: Readers) -> None:
    operation = (
        '{ campaigns(first: 1) { nodes { days(since: "2017-01-01", until: "2017-04-03") { shows } } } }'
    )
    result = await answer(readers, MAILRU, operation)
    assert [error.message for error in result.errors] == [
        "`until` must be `since` or one of the 91 days after it."
    ]


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        (MAILRU, 5),
        (ALIBABA, 5),
        (Caller("ALIBABA", "app", ADS, "reporting"), 0),
        (Caller("RDIF", "app", ADS, "reporting"), 0),
    ],
)
async def test_campaigns_are_seen_by_who_agreed(readers: Readers, caller: Caller, number: int) -> None:
    result = await answer(readers, caller, "{ campaigns(first: 50) { totalCount nodes { id } } }")
    assert result.errors == []
    assert result.data is not None
    assert result.data["campaigns"]["totalCount"] == len(result.data["campaigns"]["nodes"]) == number
