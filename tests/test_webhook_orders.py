"""What becomes of messages: in whatever order and however often they come, the orders end as the partner has them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.alibaba.orders import dataset, order_list
from connectors.alibaba.push import read_push, webhook
from gateway.connector import Upstream
from gateway.discovery import correspondents
from gateway.store.database import immediate, writer
from gateway.sync.pull import pull
from gateway.webhooks.events import note
from gateway.webhooks.webhook import Correspondent
from gateway.webhooks.work import Work
from tests.shopkeeper import NOW, Shop, push, pushed, shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

SENT, ISSUE, FROZEN = "WAIT_BUYER_ACCEPT_GOODS", "IN_ISSUE", "IN_FROZEN"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """The shop that others are copies of."""
    async with shop(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(made: Shop, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop of the test's own."""
    async with shop(tmp_path, made.folder) as found:
        yield found


def at(seconds: float) -> datetime:
    """A moment, counted from that of the tests."""
    return NOW + timedelta(seconds=seconds)


def text(moment: datetime) -> str:
    """A moment as the database has it."""
    return moment.isoformat().replace("+00:00", "Z")


async def received(found: Shop, bodies: Sequence[bytes]) -> None:
    """Note messages, as the door does."""
    engine = writer(found.settings.database)
    for body in bodies:
        async with immediate(engine) as connection:
            await note(connection, [event.row("alibaba") for event in read_push(body).events])
    await engine.dispose()


async def worked(found: Shop, *bodies: bytes) -> None:
    """Note messages one after the other, each of which becomes of the orders before the next comes."""
    async with found.working() as work:
        for body in bodies:
            await received(found, [body])
            await work.look()


async def test_an_old_status_never_overwrites_a_newer_one(fresh: Shop) -> None:
    """However late it comes; also the pull that was under way when the message came brings no older word."""
    [order] = fresh.orders()
    await worked(fresh, pushed(order, ISSUE, at(10)), pushed(order, SENT, at(5)))
    assert fresh.stands(order) == ("DISPUTED", ISSUE, text(at(10)))
    assert fresh.outcomes() == ["applied", "old"]
    fresh.book(order, SENT, at(5))
    await pulled(fresh)
    assert fresh.stands(order) == ("DISPUTED", ISSUE, text(at(10)))
    fresh.book(order, "FINISH", at(10), "refund_order_close_trade")
    await pulled(fresh)
    assert fresh.stands(order) == ("REFUNDED", "FINISH", text(at(10)))


async def pulled(found: Shop) -> None:
    """Pull what has changed until now, the newest changes included."""

    def newest(upstream: Upstream, cursor: Any) -> Any:
        return order_list.pull(upstream, order_list.since(at(-60)))

    engine = writer(found.settings.database)
    async with Upstream("alibaba", found.settings.connectors["alibaba"]) as upstream:
        await pull(engine, upstream, "alibaba", replace(dataset, pull=newest))
    await engine.dispose()


class Asked(NamedTuple):
    """A message that does not say enough, and why."""

    status: str
    more: dict[str, Any]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(Asked("FINISH", {}), id="over, well or not"),
        pytest.param(Asked("canceled", {}), id="another platform's word"),
        pytest.param(Asked("A_NEW_WORD", {}), id="a word nobody knows"),
        pytest.param(Asked(ISSUE, {"trade_order_line_id": "2"}), id="one line alone"),
        pytest.param(Asked(ISSUE, {"reverse_order_id": "3"}), id="a return"),
        pytest.param(Asked(ISSUE, {"status_update_time": None}), id="without a time"),
    ],
)
async def test_where_a_message_says_too_little_the_partner_is_asked(fresh: Shop, asked: Asked) -> None:
    """By its own protocol and the way all orders come; what it says counts, not what the message says."""
    [order] = fresh.orders()
    # A message without a time counts by when it was sent, a second later.
    fresh.book(order, "FINISH", at(1), "refund_order_close_trade")
    await worked(fresh, pushed(order, asked.status, at(0), **asked.more))
    assert fresh.stands(order) == ("REFUNDED", "FINISH", text(at(1)))
    assert fresh.outcomes() == ["asked"]
    assert fresh.ask("SELECT records FROM sync_cursors WHERE dataset = 'orders'")[0][0] == 332


@pytest.mark.parametrize("told", [(SENT, ISSUE), (ISSUE, SENT)])
async def test_of_two_words_of_one_second_the_partner_says_which_counts(
    fresh: Shop, told: tuple[str, str]
) -> None:
    """For neither is the later one, whichever comes last."""
    [order] = fresh.orders()
    fresh.book(order, ISSUE, at(0))
    await worked(fresh, *(pushed(order, each, at(0)) for each in told))
    assert fresh.stands(order) == ("DISPUTED", ISSUE, text(at(0)))
    assert fresh.outcomes() == ["applied", "asked"]


async def test_an_order_that_is_not_known_yet_is_fetched(fresh: Shop) -> None:
    """With its lines, its account and its client."""
    order = 9_000_000_000_000_001
    with closing(sqlite3.connect(fresh.folder / "alibaba.db")) as books, books:
        books.execute("CREATE TEMP TABLE new AS SELECT * FROM orders LIMIT 1")
        books.execute("UPDATE new SET id = ?", [order])
        books.execute("INSERT INTO orders SELECT * FROM new")
    fresh.book(order, ISSUE, at(0))
    await worked(fresh, pushed(order, ISSUE, at(0)))
    assert fresh.stands(order) == ("DISPUTED", ISSUE, text(at(0)))
    sql = "SELECT client_id IS NOT NULL, (SELECT count(*) > 0 FROM order_lines WHERE order_id = orders.id)"
    assert fresh.ask(f"{sql} FROM orders WHERE id = ?", f"AlibabaOrder:{order}") == [(1, 1)]


async def test_while_the_partner_is_down_events_wait(fresh: Shop) -> None:
    """What messages say is written all the same; the others are asked for again, later and later, and none is lost."""
    said, other = fresh.orders(2)
    fresh.book(other, "FINISH", at(0))
    fresh.down = True
    now = [at(0)]
    engine = writer(fresh.settings.database)
    keys = fresh.settings.connectors["alibaba"]
    senders = {"alibaba": Correspondent(webhook, keys, lambda: Quick("alibaba", keys))}
    work = Work(engine, senders, lambda: now[0])
    await received(fresh, [pushed(said, ISSUE, at(0)), pushed(other, "FINISH", at(0))])
    waits = []
    for _ in range(4):
        await work.look()
        [(due,)] = fresh.ask("SELECT due_at FROM partner_events WHERE done_at IS NULL")
        waits.append((datetime.fromisoformat(due) - now[0]).total_seconds())
        now[0] = datetime.fromisoformat(due)
    assert fresh.stands(said) == ("DISPUTED", ISSUE, text(at(0)))
    assert waits == sorted(waits)
    assert len(set(waits)) == 4
    fresh.down = False
    await work.look()
    assert fresh.stands(other) == ("COMPLETED", "FINISH", text(at(0)))
    assert fresh.outcomes() == ["applied", "asked"]
    await engine.dispose()


class Quick(Upstream):
    """A way to the partner on which nobody tries again."""

    async def read(self, prepare: Any, accept: Any, *_: Any, **__: Any) -> Any:
        return accept(await self.send(prepare()))


async def test_an_event_that_the_partner_never_shows_is_given_up(fresh: Shop) -> None:
    """After some minutes; its order stands as it was."""
    [order] = fresh.orders()
    before, now = fresh.stands(order), [at(0)]
    engine = writer(fresh.settings.database)
    work = Work(engine, correspondents(fresh.settings), lambda: now[0])
    await received(fresh, [pushed(order, "FINISH", at(0))])
    while fresh.outcomes() == [None]:
        await work.look()
        now[0] += timedelta(minutes=2)
    await engine.dispose()
    assert fresh.outcomes() == ["unseen"]
    assert timedelta(minutes=5) < now[0] - at(0) < timedelta(minutes=30)
    assert fresh.stands(order) == before


async def test_a_crash_after_the_acknowledgement_loses_nothing(fresh: Shop) -> None:
    """Claimed by a worker that died, an event is another's when the claim is over, and done when a gateway starts."""
    first, second = fresh.orders(2)
    await received(fresh, [pushed(first, ISSUE, at(0)), pushed(second, FROZEN, at(0))])
    later = text(datetime.fromisoformat(text(NOW)) + timedelta(hours=1))
    fresh.write("UPDATE partner_events SET due_at = ?, tries = 1 WHERE status_raw = ?", later, FROZEN)
    async with fresh.serving():
        async with asyncio.timeout(5):
            while fresh.stands(first)[0] != "DISPUTED":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert fresh.stands(second)[0] != "ON_HOLD"
    fresh.write("UPDATE partner_events SET due_at = '2020-01-01T00:00:00Z' WHERE status_raw = ?", FROZEN)
    async with fresh.working() as work:
        await work.look()
    assert fresh.stands(second)[0] == "ON_HOLD"


async def test_two_gateways_share_the_work(fresh: Shop) -> None:
    """A message that came to one is not done twice by both, though both would."""
    chosen = fresh.orders(40)
    async with fresh.serving() as one, fresh.serving() as other:
        sends = [push(each, pushed(order, ISSUE, at(1))) for order in chosen for each in (one, other)]
        assert {each.status_code for each in await asyncio.gather(*sends)} == {200}
        async with asyncio.timeout(5):
            while fresh.ask("SELECT 1 FROM partner_events WHERE done_at IS NULL"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert fresh.outcomes() == ["applied"] * 40
    assert fresh.ask("SELECT max(tries) FROM partner_events") == [(1,)]


# Any order, any number of times


class Said(NamedTuple):
    """A message: which order, what it came to be, and when."""

    order: int
    status: str
    second: int


WORDS = (SENT, ISSUE, FROZEN, "WAIT_SELLER_SEND_GOODS", "pending", "FINISH", "A_NEW_WORD")
LISTED = {"pending": "WAIT_SELLER_SEND_GOODS"}
histories = st.lists(
    st.builds(Said, st.integers(0, 1), st.sampled_from(WORDS), st.integers(0, 2)), min_size=1, max_size=8
)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Said], list[list[Said]]]:
    """What happened, in its order, and how it was told: shuffled, repeated, in batches that are worked at once."""
    happened = sorted(draw(histories), key=lambda each: each.second)
    told = draw(st.permutations(happened + draw(st.lists(st.sampled_from(happened), max_size=4))))
    cuts = sorted(draw(st.sets(st.integers(1, len(told)), max_size=3)))
    return happened, [told[i:j] for i, j in zip([0, *cuts], [*cuts, len(told)], strict=True) if told[i:j]]


@pytest.fixture(scope="module")
def tried(made: Shop) -> tuple[Shop, list[int], bytes, bytes]:
    """The shop, two of its orders, and both databases as they are before anything happens."""
    books = (made.folder / "alibaba.db").read_bytes()
    with closing(sqlite3.connect(made.settings.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made, made.orders(2), books, made.settings.database.read_bytes()


@given(delivered=deliveries())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_any_order_and_number_of_messages_ends_in_the_same_orders(
    tried: Any, delivered: tuple[list[Said], list[list[Said]]]
) -> None:
    """Those that the partner has: whatever was told twice, late, or together."""
    found, chosen, books, database = tried
    happened, told = delivered
    (found.folder / "alibaba.db").write_bytes(books)
    found.settings.database.with_name("gateway.db-wal").unlink(missing_ok=True)
    found.settings.database.with_name("gateway.db-shm").unlink(missing_ok=True)
    found.settings.database.write_bytes(database)
    for each in happened:
        found.book(chosen[each.order], LISTED.get(each.status, each.status), at(each.second))

    async with found.working() as work:
        for batch in told:
            await received(
                found, [pushed(chosen[each.order], each.status, at(each.second)) for each in batch]
            )
            await work.look()
    for number, order in enumerate(chosen):
        mine = [each for each in happened if each.order == number]
        if mine:
            word = LISTED.get(mine[-1].status, mine[-1].status)
            assert found.stands(order)[1:] == (word, text(at(mine[-1].second)))
    assert None not in found.outcomes()
