"""Activations: an audience goes out once, hashed, to those who consented when it goes, and to nobody's surprise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.mailru import user_lists
from connectors.mailru.sandbox.user_lists import LEAST
from connectors.mailru.user_lists import email_hash, phone_hash
from gateway.access.agreements import agreements, consents
from gateway.activations import desk, work
from gateway.activations.activations import (
    KEPT,
    MOST_A_DAY,
    MOST_AT_ONCE,
    Plan,
    activations,
    add,
    find,
    planned,
)
from gateway.activations.audiences import Audience
from gateway.activations.deliveries import ContactKind, Upload
from gateway.activations.desk import Desk
from gateway.app import create_app
from gateway.background import beside
from gateway.connector import Request
from gateway.errors import FieldError
from gateway.oauth.administration import disable
from gateway.oauth.tokens import Caller
from gateway.store.database import writer
from gateway.store.queries import row_type
from gateway.store.readers import Readers
from gateway.store.tables import instant
from gateway.upstream.partners import Partners
from tests.audiences import (
    ACTIVATE,
    EMAILS,
    LISTS,
    PROGRESS,
    PURPOSE,
    SCOPES,
    WILLING,
    Agency,
    agency,
    email,
    hashed,
    phone,
)
from tests.conftest import Gateway
from tests.door import listening
from tests.subscribers import Station
from tests.subscribers import errors as codes

SEND = f"POST {LISTS}"


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agency]:
    """A gateway that looks often."""
    monkeypatch.setattr(work, "PAUSE", 0.02)
    monkeypatch.setattr(desk, "PAUSE", 0.02)
    async with agency(tmp_path) as found:
        yield found


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
    assert house.stand.calls[SEND] == 1
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
    await _withhold(house)
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


async def _withhold(house: Agency) -> None:
    async with house.gateway.writing() as connection:
        await connection.execute(delete(agreements).where(agreements.c.dataset == "contacts"))


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
    assert house.stand.calls[SEND] == len(house.stand.lists) == 1


async def test_another_party_sees_nothing_of_it(house: Agency) -> None:
    """Not the recipient either; a key of another application is another key."""
    made = await house.activated()
    for party in ("MAILRU", "RDIF"):
        assert await house.seen(made["id"], party) is None
    assert (await house.refused(party="MAILRU"))[0] == "TOO_FEW_CONSENTED"
    assert len(await house.rows()) == 1


def _plan(party: str = "ALIBABA", key: str = "spring") -> Plan:
    """The wish of an application that acts for people of several parties, as GraphiQL is."""
    sender = Caller(party, "graphiql", frozenset(SCOPES.split()), PURPOSE)
    return Plan("mailru", "Spring", key, Audience(sender, "MAILRU", ContactKind.EMAIL, {}))


@pytest.fixture
async def database(gateway: Gateway) -> AsyncIterator[AsyncEngine]:
    """The gateway's own database."""
    found = writer(gateway.settings.database)
    yield found
    await found.dispose()


async def test_a_key_says_nothing_of_another_partys(database: AsyncEngine) -> None:
    """Nobody meets the keys of another party's people."""
    for party in ("ALIBABA", "MAILRU"):
        assert (await add(database, _plan(party))).party == party


async def test_so_many_may_be_on_their_way_at_a_time(database: AsyncEngine) -> None:
    """Of one party's application; what has arrived, or was refused, makes room."""
    made = [await add(database, _plan(key=f"{number}")) for number in range(MOST_AT_ONCE)]
    for begin in (add, planned):
        with pytest.raises(FieldError, match="on their way") as refused:
            await begin(database, _plan())
        assert refused.value.extensions == {"code": "TOO_MANY_ACTIVATIONS", "limit": MOST_AT_ONCE}
    assert (await add(database, _plan(key="0"))).id == made[0].id
    assert (await add(database, _plan("MAILRU"))).party == "MAILRU"
    async with database.begin() as connection:
        await connection.execute(update(activations).where(activations.c.id == made[0].id).values(due=None))
    assert (await add(database, _plan())).key == "spring"


async def _changed(database: AsyncEngine, key: str, **values: Any) -> None:
    async with database.begin() as connection:
        await connection.execute(update(activations).where(activations.c.key == key).values(**values))


async def test_a_party_may_start_so_many_in_a_day(database: AsyncEngine) -> None:
    """Whatever became of them, and by whichever application: who grows a filter by a few learns little."""
    for number in range(MOST_A_DAY):
        await add(database, _plan(key=f"{number}"))
        await _changed(database, f"{number}", due=None, application=f"{number % 2}")
    for begin in (add, planned):
        with pytest.raises(FieldError, match="in 24 hours") as refused:
            await begin(database, _plan())
        assert refused.value.extensions == {"code": "TOO_MANY_ACTIVATIONS", "limit": MOST_A_DAY}
    await _changed(database, "1", application="graphiql")
    assert (await add(database, _plan(key="1"))).key == "1"
    assert (await add(database, _plan("MAILRU"))).party == "MAILRU"
    await _changed(database, "0", created_at=instant(datetime.now(UTC) - timedelta(hours=24, seconds=2)))
    assert (await add(database, _plan())).key == "spring"


async def test_what_is_over_is_forgotten_after_ninety_days(database: AsyncEngine) -> None:
    """By a worker that looks for what is due; what is not over stays."""
    now = datetime.now(UTC)
    old, new = (instant(now - KEPT - timedelta(seconds=sign)) for sign in (60, -60))
    ends = {"old": (old, None, "READY"), "new": (new, None, "REFUSED"), "going": (old, 1e12, "PROCESSING")}
    for key, (at, due, state) in ends.items():
        await add(database, _plan(key=key))
        await _changed(database, key, updated_at=at, due=due, state=state)
    worker = work.Worker(database, None, None, {}, now.timestamp)  # type: ignore[arg-type]
    assert not await worker.step()
    async with database.connect() as connection:
        found = await connection.scalars(select(activations.c.key).order_by(activations.c.key))
        assert found.all() == ["going", "new"]


async def test_consent_that_is_withdrawn_before_it_goes_is_respected(house: Agency) -> None:
    """Whoever withdraws while myTarget cannot be reached is not among those who are sent."""
    house.stand.before = lambda method, name: 503 if name == "token.json" else None
    await house.activated()
    await house.called("POST token.json")
    async with house.gateway.writing() as connection:
        await connection.execute(delete(consents).where(consents.c.client_id == 10_000 + WILLING[0]))
    house.stand.before = lambda method, name: None
    await house.until("PROCESSING")
    [sent] = house.stand.lists.values()
    assert EMAILS ^ sent.hashes == {hashed(email(WILLING[0]))}


async def _forget(house: Agency) -> None:
    async with house.gateway.writing() as connection:
        await connection.execute(delete(consents))


async def _disable(house: Agency) -> None:
    async with house.gateway.writing() as connection:
        await disable(connection, "alibaba-app")


WITHDRAWN = {
    "AGREEMENT_MISSING": _withhold,
    "TOO_FEW_CONSENTED": _forget,
    "SENDER_NOT_ALLOWED": _disable,
}


@pytest.mark.parametrize("reason", WITHDRAWN)
async def test_what_falls_away_before_it_goes_refuses_it(house: Agency, reason: str) -> None:
    house.stand.before = lambda method, name: 503 if name == "token.json" else None
    made = await house.activated()
    await WITHDRAWN[reason](house)
    house.stand.before = lambda method, name: None
    row = await house.until("REFUSED")
    assert (row.id, row.reason) == (made["id"], reason)
    assert not house.stand.lists


async def test_a_partner_that_is_away_is_not_waited_for_for_ever(house: Agency) -> None:
    """What was not sent within a day is not sent at all: by then somebody has sent it in another way."""
    house.stand.before = lambda method, name: 503 if name == "token.json" else None
    made = await house.activated()
    await house.called("POST token.json")
    async with house.gateway.writing() as connection:
        await connection.execute(update(activations).values(created_at="2026-01-01T00:00:00Z"))
    row = await house.until("REFUSED")
    assert (row.id, row.reason) == (made["id"], "NOT_SENT_IN_TIME")


async def test_what_may_have_been_sent_is_not_looked_for_for_ever(house: Agency) -> None:
    house.stand.after = _fails(500)
    await house.activated()
    await house.called(SEND)
    house.stand.before = lambda method, name: 503 if method == "GET" else None
    async with house.gateway.writing() as connection:
        await connection.execute(update(activations).values(sent_at=1.0))
    row = await house.until("UNCERTAIN")
    assert row.reason.startswith("PARTNER_TRANSIENT: ")


def _fails(status: int) -> Any:
    return lambda method, name: status if (method, name) == ("POST", LISTS) else None


async def test_a_list_whose_answer_was_lost_is_found_and_not_sent_again(house: Agency) -> None:
    house.stand.after = _fails(500)
    await house.activated()
    row = await house.until("PROCESSING")
    [sent] = house.stand.lists.values()
    assert row.partner_id == str(sent.id)
    assert house.stand.calls[SEND] == 1


async def test_a_list_that_may_have_been_made_and_is_not_there_is_uncertain(house: Agency) -> None:
    """It is not sent again: somebody must look."""
    house.stand.before = _fails(500)
    made = await house.activated()
    await house.until("UNCERTAIN")
    assert (await house.seen(made["id"]))["reason"] == "NOT_CONFIRMED"
    assert (house.stand.calls[SEND], len(house.stand.lists)) == (1, 0)


async def test_a_list_that_my_target_puts_off_is_sent_later(house: Agency) -> None:
    """429 says that nothing was done."""
    house.stand.before = _fails(429)
    await house.activated()
    await house.called(SEND)
    house.stand.before = lambda method, name: None
    await house.until("PROCESSING")
    assert len(house.stand.lists) == 1


async def test_a_list_that_my_target_refuses_is_refused(house: Agency) -> None:
    house.stand.before = _fails(400)
    made = await house.activated()
    await house.until("REFUSED")
    assert (await house.seen(made["id"]))["reason"] == "PARTNER_BUSINESS: 400"
    assert house.stand.calls[SEND] == 1


async def test_a_list_that_is_deleted_is_gone(house: Agency) -> None:
    await house.activated()
    await house.until("PROCESSING")
    house.stand.lists.clear()
    await house.until("GONE")


async def test_a_list_that_is_left_out_for_once_is_not_gone(house: Agency) -> None:
    await house.activated()
    await house.until("PROCESSING")
    kept = dict(house.stand.lists)
    house.stand.lists.clear()
    house.stand.calls.clear()
    await house.hurry()
    await house.called(f"GET {LISTS}")
    house.stand.lists.update(kept)
    house.stand.nearly()
    await house.until("READY")


async def test_what_takes_long_is_looked_at_less_often(house: Agency) -> None:
    """A list may take hours to get ready, and each look at it counts against the partner's quota."""
    house.stand.app.state.user_lists.held_at = "mapping"
    await house.activated()
    await house.until("PROCESSING")
    async with house.gateway.writing() as connection:
        await connection.execute(update(activations).values(sent_at=time.time() - 7_200))
    async with asyncio.timeout(15):
        while (await house.rows())[0].due < time.time() + 300:
            await house.hurry()
            await asyncio.sleep(0.03)


async def test_of_two_workers_one_sends(house: Agency) -> None:
    """And what a worker announced that died meanwhile, the next one looks for."""
    gateway = house.gateway
    async with house.gateway.writing() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER held AFTER INSERT ON activations BEGIN"
            " UPDATE activations SET worker = 'dead', lease = 9e12 WHERE id = new.id; END"
        )
    made = await house.activated()
    await asyncio.sleep(0.1)
    assert (await house.seen(made["id"]))["state"] == "PLANNED"
    async with gateway.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE activations SET state = 'SENDING', lease = 1.0, sent_at = 1.0"
        )
    await house.until("UNCERTAIN")
    assert not house.stand.calls[SEND]


async def test_a_database_that_was_busy_for_once_loses_no_hold(
    gateway: Gateway, database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or another would take over while this worker is still sending, and its word would count no more."""
    monkeypatch.setattr(work, "LEASE", 0.03)
    made = await add(database, _plan())
    engine, tries = writer(gateway.settings.database), iter([True])
    worker = work.Worker(engine, Readers(Path()), Partners([], {}, Path()), {})

    def fail_once(*_: object) -> None:
        if next(tries, False):
            raise TimeoutError

    async with database.begin() as connection:
        await connection.execute(update(activations).values(worker=worker._name, due=None))
    event.listen(engine.sync_engine, "checkout", fail_once)
    async with beside(worker._hold(made.id)), asyncio.timeout(5):
        while (await find(database, "ALIBABA", made.id)).lease is None:  # type: ignore[union-attr]  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await engine.dispose()


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


@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_progress_is_followed_to_its_end(house: Agency, transport: str) -> None:
    """Over a WebSocket or as server-sent events, in another worker: each state once, and then no more will come."""
    made = await house.activated()
    with listening(create_app(house.gateway.settings)) as port:
        station = Station(house.gateway.settings, port)
        token = house.gateway.token("ALIBABA", SCOPES, PURPOSE)
        found = asyncio.create_task(_followed(station, transport, token, made["id"]))
        await house.until("PROCESSING")
        house.stand.nearly()
        await house.until("READY")
        states = await asyncio.wait_for(found, 15)
        stranger = house.gateway.token("MAILRU", SCOPES, PURPOSE)
        [refused] = await _followed(station, transport, stranger, made["id"])
    told = [each["data"]["activationProgress"] for each in states]
    assert told[-1] == await house.seen(made["id"])
    order = ["PLANNED", "SENDING", "PROCESSING", "READY"]
    places = [order.index(each["state"]) for each in told]
    assert places == sorted(places)
    assert places[-1] == 3
    assert (refused["data"], codes(refused)) == (None, ["NOT_FOUND"])


@pytest.mark.parametrize("count", ["sent", "coverage"])
async def test_one_person_more_or_less_is_neither_shown_nor_told(house: Agency, count: str) -> None:
    """Two audiences that differ by a person would say whether the partner knows it; a step is a hundred."""
    made = await house.activated()
    await house.until("PROCESSING")
    await _count(house, count, 2_100)
    engine = writer(house.gateway.settings.database)
    follower = Desk(engine, None, {}, {}, print, 0.01)  # type: ignore[arg-type]
    sender = Caller("ALIBABA", "alibaba-app", frozenset(), PURPOSE)
    async with aclosing(follower.follow(sender, "mailru", made["id"])) as progress:
        assert getattr((await anext(progress))[0], count) == 2_100
        await _count(house, count, 2_199)
        assert (await house.seen(made["id"]))[count] == 2_100
        told = asyncio.create_task(anext(progress))
        await asyncio.sleep(0.1)
        assert not told.done()
        await _count(house, count, 2_200)
        assert getattr((await told)[0], count) == 2_200
    await engine.dispose()
    assert (await house.seen(made["id"]))[count] == 2_200


async def _count(house: Agency, count: str, exact: int) -> None:
    """What is kept of an activation that nobody else changes any more."""
    async with house.gateway.writing() as connection:
        held = {"worker": "dead", "lease": 9e12, "due": None, count: exact}
        await connection.execute(update(activations).values(held))


async def test_many_who_follow_one_activation_share_the_looks(
    gateway: Gateway, database: AsyncEngine
) -> None:
    """A thousand subscribers cost the database no more than one; each is told of the change, once."""
    made, sender = await add(database, _plan()), _plan().audience.sender
    looks: list[object] = []
    event.listen(database.sync_engine, "checkout", lambda *_: looks.append(None))
    counter = desk.Desk(database, Readers(gateway.settings.database), {}, {}, lambda: None, pause=0.01)

    async def states() -> list[str]:
        return [row.state async for [row] in counter.follow(sender, "mailru", made.id)]

    crowd = [asyncio.create_task(states()) for _ in range(50)]
    while len(looks) < 53:  # noqa: ASYNC110 - it is looked at as anybody would
        await asyncio.sleep(0.01)
    before = len(looks)
    await asyncio.sleep(0.1)
    assert len(looks) - before <= 12
    async with gateway.writing() as connection:
        await connection.execute(update(activations).values(state="READY"))
    assert await asyncio.gather(*crowd) == [["PLANNED", "READY"]] * 50


async def _followed(station: Station, transport: str, token: str, id: str) -> list[Any]:
    """All results of a subscription that ends by itself."""
    found = []
    if transport == "socket":
        async with station.socket() as socket:
            await socket.init(token)
            await socket.subscribe(PROGRESS, variables={"id": id})
            while (message := await socket.hear())["type"] == "next":
                found.append(message["payload"])
            assert message["type"] == "complete"
        return found
    async with station.stream(PROGRESS, token, variables={"id": id}) as events:
        while (event := await events.event())[0] == "next":
            found.append(event[1])
        assert event[0] == "complete"
    return found


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
