"""Activations: an audience goes out once, hashed, to those who consented when it goes, and to nobody's surprise."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.mailru import user_lists
from connectors.mailru.sandbox.user_lists import LEAST
from connectors.mailru.user_lists import email_hash, phone_hash
from gateway.access.agreements import consents
from gateway.activations import work
from gateway.activations.activations import (
    KEPT,
    MOST_A_DAY,
    MOST_AT_ONCE,
    activations,
    add,
    planned,
)
from gateway.activations.deliveries import ContactKind, Upload
from gateway.connector import Request
from gateway.errors import FieldError
from gateway.store.queries import row_type
from gateway.store.tables import instant
from tests.audiences import (
    ACTIVATE,
    EMAILS,
    LISTS,
    PURPOSE,
    SCOPES,
    WILLING,
    Agency,
    database,
    email,
    hashed,
    house,
    phone,
    plan,
    withhold,
)
from tests.conftest import Gateway
from tests.subscribers import errors as codes

__all__ = ["database", "house"]


async def test_an_audience_is_sent_hashed_and_followed_until_it_is_ready(
    house: Agency, caplog: pytest.LogCaptureFixture
) -> None:
    """To those who consented and have an e-mail; nothing of them is in any log."""
    made = await house.activated()
    assert (made["state"], made["recipient"], made["purpose"]) == ("PLANNED", "MAILRU", PURPOSE)
    assert (made["contact"], made["sent"], made["coverage"]) == ("EMAIL", None, None)
    await house.until("PROCESSING")
    [sent] = house.stand.lists.values()
    assert (sent.type, sent.name) == ("emails", f"Spring [{made['id']}]")
    assert not sent.hashes ^ EMAILS
    on_its_way = await house.seen(made["id"])
    assert (on_its_way["sent"], on_its_way["partnerId"]) == (2_000, str(sent.id))
    house.stand.nearly()
    await house.until("READY")
    ready = await house.seen(made["id"])
    known = {hashed(email(number)) for number in range(60) if number % 3}
    assert (ready["partnerState"], ready["coverage"]) == ("ready", 0)
    [kept] = await house.rows()
    assert (kept.sent, kept.coverage) == (len(EMAILS), len(known & EMAILS))
    assert house.stand.calls[f"POST {LISTS}"] == 1
    said = "\n".join(str(vars(each)) for each in caplog.records)
    assert not [each for each in (*EMAILS, "@mail.ru", "@Mail.ru") if each in said]


async def test_phones_go_as_digits_with_the_countrys_code(house: Agency) -> None:
    await house.activated(contact="PHONE")
    await house.until("PROCESSING")
    [sent] = house.stand.lists.values()
    assert sent.type == "phones"
    assert not sent.hashes ^ {hashed(phone(number)) for number in WILLING}


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "another purpose": ({"purpose": "analytics"}, "PURPOSE_NOT_ALLOWED"),
    "without the scope": ({"scopes": "clients:read"}, "UNAUTHORIZED_FIELD_OR_TYPE"),
    "without the clients' scope": ({"scopes": "mailru:activate"}, "UNAUTHORIZED_FIELD_OR_TYPE"),
    "a token without contacts": ({"datasets": [("ALIBABA", "accounts")]}, "AGREEMENT_MISSING"),
    "a token without accounts": ({"datasets": [("ALIBABA", "contacts")]}, "TOO_FEW_CONSENTED"),
    "nobody": ({"audience": {"region": "RU-SPE"}}, "TOO_FEW_CONSENTED"),
    "too few": ({"audience": {"region": "Тверь"}}, "TOO_FEW_CONSENTED"),
    "no name": ({"name": ""}, "BAD_USER_INPUT"),
    "a long key": ({"key": "k" * 101}, "BAD_USER_INPUT"),
    "an unprintable name": ({"name": "a\nb"}, "BAD_USER_INPUT"),
    "another party, that has no agreement": ({"party": "RDIF"}, "AGREEMENT_MISSING"),
}


async def test_what_may_not_be_sent_is_refused_and_says_why(house: Agency) -> None:
    """Nothing is kept of it, and the partner is not called; whether anybody consented is never said."""
    few = []
    for name, (wish, code) in REFUSALS.items():
        said, told = await house.refused(**wish)
        assert said == code, name
        if code == "TOO_FEW_CONSENTED":
            few.append(told)
    same = {"code": "TOO_FEW_CONSENTED", "recipient": "MAILRU", "purpose": PURPOSE, "minimum": LEAST}
    assert few == [same] * 3
    assert await house.rows() == []
    assert not house.stand.calls


async def test_without_an_address_of_my_target_it_says_so(gateway: Gateway) -> None:
    wish = {"key": "k", "name": "n", "contact": "EMAIL"}
    answer = await gateway.ask(ACTIVATE, "ALIBABA", SCOPES, PURPOSE, wish)
    assert codes(answer) == ["PARTNER_UNAVAILABLE"]


async def test_who_may_change_nothing_is_shown_no_type_of_mutations(gateway: Gateway) -> None:
    """Not by its name either."""
    answers = [
        await gateway.ask(f"mutation {{ {field} }}", "ALIBABA", "clients:read")
        for field in ("__typename", "lol")
    ]
    for answer in answers:
        assert [each["message"] for each in answer["errors"]] == [
            "The mutation operation is not supported by the schema."
        ]
    named = await gateway.ask("mutation { __typename }", "ALIBABA", "clients:read mailru:activate")
    assert named["data"] == {"__typename": "Mutation"}


async def test_without_an_agreement_nothing_goes(house: Agency) -> None:
    await withhold(house)
    assert (await house.refused())[0] == "AGREEMENT_MISSING"


async def test_without_consents_nothing_goes(house: Agency) -> None:
    """Consent to another recipient, for another purpose, or that is over, is none."""
    async with house.gateway.writing() as connection:
        found = WILLING[: len(WILLING) // 3]
        await connection.exec_driver_sql("UPDATE consents SET purpose = 'analytics' WHERE client_id % 3 = 0")
        await connection.exec_driver_sql("UPDATE consents SET recipient = 'RDIF' WHERE client_id % 3 = 1")
        await connection.exec_driver_sql(
            "UPDATE consents SET valid_until = '2018-01-01T00:00:00Z' WHERE client_id % 3 = 2"
        )
    assert found
    assert (await house.refused())[0] == "TOO_FEW_CONSENTED"


async def test_a_wish_that_is_repeated_counts_once(house: Agency) -> None:
    """Also when it comes twice at the same moment, or when consent was withdrawn meanwhile."""
    first, second = await asyncio.gather(house.activated(), house.activated())
    await house.until("PROCESSING")
    async with house.gateway.writing() as connection:
        await connection.execute(delete(consents))
    third = await house.activated()
    assert first["id"] == second["id"] == third["id"]
    assert (await house.refused(name="Summer"))[0] == "IDEMPOTENCY_KEY_REUSED"
    assert (await house.refused(contact="PHONE"))[0] == "IDEMPOTENCY_KEY_REUSED"
    assert house.stand.calls[f"POST {LISTS}"] == len(house.stand.lists) == 1


async def test_another_party_sees_nothing_of_it(house: Agency) -> None:
    """Not the recipient either; a key of another application is another key."""
    made = await house.activated()
    for party in ("MAILRU", "RDIF"):
        assert await house.seen(made["id"], party) is None
    assert (await house.refused(party="MAILRU"))[0] == "TOO_FEW_CONSENTED"
    assert len(await house.rows()) == 1


async def test_a_key_says_nothing_of_another_partys(database: AsyncEngine) -> None:
    """Nobody meets the keys of another party's people."""
    for party in ("ALIBABA", "MAILRU"):
        assert (await add(database, plan(party))).party == party


async def test_so_many_may_be_on_their_way_at_a_time(database: AsyncEngine) -> None:
    """Of one party's application; what has arrived, or was refused, makes room."""
    made = [await add(database, plan(key=f"{number}")) for number in range(MOST_AT_ONCE)]
    for begin in (add, planned):
        with pytest.raises(FieldError, match="on their way") as refused:
            await begin(database, plan())
        assert refused.value.extensions == {"code": "TOO_MANY_ACTIVATIONS", "limit": MOST_AT_ONCE}
    assert (await add(database, plan(key="0"))).id == made[0].id
    assert (await add(database, plan("MAILRU"))).party == "MAILRU"
    async with database.begin() as connection:
        await connection.execute(update(activations).where(activations.c.id == made[0].id).values(due=None))
    assert (await add(database, plan())).key == "spring"


async def _changed(database: AsyncEngine, key: str, **values: Any) -> None:
    async with database.begin() as connection:
        await connection.execute(update(activations).where(activations.c.key == key).values(**values))


async def test_a_party_may_start_so_many_in_a_day(database: AsyncEngine) -> None:
    """Whatever became of them, and by whichever application: who grows a filter by a few learns little."""
    for number in range(MOST_A_DAY):
        await add(database, plan(key=f"{number}"))
        await _changed(database, f"{number}", due=None, application=f"{number % 2}")
    for begin in (add, planned):
        with pytest.raises(FieldError, match="in 24 hours") as refused:
            await begin(database, plan())
        assert refused.value.extensions == {"code": "TOO_MANY_ACTIVATIONS", "limit": MOST_A_DAY}
    await _changed(database, "1", application="graphiql")
    assert (await add(database, plan(key="1"))).key == "1"
    assert (await add(database, plan("MAILRU"))).party == "MAILRU"
    await _changed(database, "0", created_at=instant(datetime.now(UTC) - timedelta(hours=24, seconds=2)))
    assert (await add(database, plan())).key == "spring"


async def test_what_is_over_is_forgotten_after_ninety_days(database: AsyncEngine) -> None:
    """By a worker that looks for what is due; what is not over stays."""
    now = datetime.now(UTC)
    old, new = (instant(now - KEPT - timedelta(seconds=sign)) for sign in (60, -60))
    ends = {"old": (old, None, "READY"), "new": (new, None, "REFUSED"), "going": (old, 1e12, "PROCESSING")}
    for key, (at, due, state) in ends.items():
        await add(database, plan(key=key))
        await _changed(database, key, updated_at=at, due=due, state=state)
    worker = work.Worker(database, None, None, {}, now.timestamp)  # type: ignore[arg-type]
    assert not await worker.step()
    async with database.connect() as connection:
        found = await connection.scalars(select(activations.c.key).order_by(activations.c.key))
        assert found.all() == ["going", "new"]


async def test_explaining_sends_nothing(house: Agency) -> None:
    document = 'mutation { activateAudience(key: "k", name: "n", contact: EMAIL) { id } }'
    explain = """query ($document: String!) { explainAccess(document: $document) {
        runs allowed levels { calls { coordinate } } } }"""
    answer = await house.gateway.ask(explain, "ALIBABA", SCOPES, PURPOSE, {"document": document})
    assert answer["data"]["explainAccess"] == {"runs": True, "allowed": True, "levels": []}
    assert await house.rows() == []


async def test_it_is_never_started_by_get(house: Agency) -> None:
    token = house.gateway.token("ALIBABA", SCOPES, PURPOSE)
    document = 'mutation { activateAudience(key: "k", name: "n", contact: EMAIL) { id } }'
    response = await house.gateway.client.get(
        "/graphql", params={"query": document}, headers={"authorization": f"Bearer {token}"}
    )
    assert response.status_code == 405
    assert await house.rows() == []


def test_hashes_are_those_that_my_target_documents() -> None:
    """Of contacts in the one form, whatever the party wrote; of what is a hash already, or no contact, none."""
    made = row_type(("client_id", "email", "phone"))
    found = made(1, " Example@Mail.ru", "8 (901) 123-45-67")
    assert email_hash(found) == "af0f2257cdaaaf1236dd3ce027ec7cfe"
    assert phone_hash(found) == "d9802251af2e53a7d2e1b1af3792940a"
    for each in (made(1, None, None), made(1, "", ""), made(1, f"sha256:{'1' * 64}", f"sha256:{'1' * 64}")):
        assert (email_hash(each), phone_hash(each)) == (None, None)


def test_a_file_has_a_line_for_each_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is joined in several parts, of which the last is not full."""
    monkeypatch.setattr(user_lists, "AT_ONCE", 3)
    items = [hashed(str(number)) for number in range(7)]
    for count in (3, 7):
        body = user_lists.multipart("mark", Upload("Spring", ContactKind.EMAIL, items[:count])).decode()
        file = body.split("text/plain\r\n\r\n")[1].removesuffix("\r\n--mark--\r\n")
        assert file.split("\n") == [*items[:count], ""]


def test_what_is_sent_shows_in_no_representation() -> None:
    assert "d9802251" not in repr(Upload("Spring", ContactKind.PHONE, ["d9802251"]))
    sent = Request("POST", "/", headers={"Authorization": "Bearer d9802251"}, body=b"d9802251")
    assert "d9802251" not in repr(sent)
