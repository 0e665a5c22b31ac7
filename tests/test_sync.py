"""Rounds over the real sandboxes: all comes, and it comes once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson

from connectors.alibaba.pacific import wall
from gateway.connector import Batch, Upstream
from gateway.sync.rounds import in_turn
from tests.partners import books, small_purchases
from tests.venture import Venture, at_work, keep_batch, many_lines

__all__ = ["at_work", "books"]


async def test_a_round_brings_everything_and_each_row_has_its_client(at_work: Venture) -> None:
    """Accounts, profiles, orders and lines of both partners, segments and the fund's books; each has its client."""
    report = await at_work.round()
    world = small_purchases()
    bought = {party: list(world.purchases(party)) for party in ("ALIBABA", "MAILRU")}
    lines = {party: sum(len(each.lines) for each in found) for party, found in bought.items()}
    members = {party: len(world.members(party)) for party in bought}
    for table in ("accounts", "profiles"):
        found = dict(at_work.ask(f"SELECT party, count(*) FROM {table} GROUP BY party"))
        assert {party: found[party] for party in members} == members
    # On Pandao each product is an order of its own.
    orders = {"ALIBABA": len(bought["ALIBABA"]), "MAILRU": lines["MAILRU"]}
    assert dict(at_work.ask("SELECT party, count(*) FROM orders GROUP BY party")) == orders
    assert at_work.ask("SELECT count(*) FROM order_lines") == [(sum(lines.values()),)]
    assert at_work.ask("SELECT count(*) FROM fund_reports") == [(5,)]
    assert at_work.ask("SELECT count(*) FROM mailru_segment_members")[0][0] > 0
    for table in ("profiles", "orders", "mailru_segment_members"):
        of_account = f"FROM {table} JOIN accounts ON accounts.id = account_id"
        assert at_work.ask(f"SELECT * {of_account} WHERE {table}.client_id IS NOT accounts.client_id") == []
        assert at_work.ask(f"SELECT * FROM {table} WHERE client_id IS NULL") == []
    assert (report.accounts, report.stamped) == (at_work.ask("SELECT count(*) FROM accounts")[0][0], 0)
    assert report.accounts >= sum(members.values())
    assert at_work.ask("SELECT count(*) FROM dead_letters") == [(0,)]


async def test_orders_wait_for_what_is_less_and_carriers_for_the_orders(at_work: Venture) -> None:
    """So that most of what there is answers soon; the order is the one that is told beforehand."""
    await at_work.round()
    pulled = at_work.pulled
    assert pulled == [(source.name, dataset.name) for source, dataset in in_turn(at_work.sources)]
    alibabas = [dataset for connector, dataset in pulled if connector == "alibaba"]
    assert alibabas == ["members", "products", "orders", "shipments", "commissions", "messages"]
    assert pulled.index(("mailru", "products")) < pulled.index(("alibaba", "orders"))
    about = [
        dataset for source in at_work.sources for dataset in source.datasets if dataset.about is not None
    ]
    assert {name for _, name in pulled[len(pulled) - len(about) :]} == {each.name for each in about}


async def test_a_gateway_can_serve_once_the_clients_are_known(at_work: Venture) -> None:
    """Between the accounts, linked by then, and all that belongs to them, which takes longest."""
    seen = []

    async def linked() -> None:
        unlinked = "SELECT count(*) FROM accounts WHERE client_id IS NULL"
        seen.append([at_work.ask(sql)[0][0] for sql in (unlinked, "SELECT count(*) FROM orders")])
        assert at_work.ask("SELECT count(*) FROM accounts")[0][0] > 0

    await at_work.round(linked=linked)
    assert seen == [[0, 0]]
    assert at_work.ask("SELECT count(*) FROM orders")[0][0] > 0


async def test_amounts_and_times_are_the_worlds(at_work: Venture) -> None:
    """Cents stay cents and a purchase's moment its moment, through two partners' ways of writing them."""
    await at_work.round()
    world = small_purchases()
    cents = sum(line.cents for purchase in world.purchases("ALIBABA") for line in purchase.lines)
    assert at_work.ask("SELECT sum(total_minor) FROM orders WHERE party = 'ALIBABA'") == [(cents,)]
    assert at_work.ask("SELECT sum(total_minor) FROM order_lines WHERE currency = 'USD'") == [(cents,)]
    for party in ("ALIBABA", "MAILRU"):
        moments = {purchase.at.strftime("%Y-%m-%dT%H:%M:%SZ") for purchase in world.purchases(party)}
        assert {
            moment for (moment,) in at_work.ask("SELECT placed_at FROM orders WHERE party = ?", party)
        } == moments


async def test_a_second_round_changes_nothing(at_work: Venture) -> None:
    """Not a row, and it asks the partners far less than the first."""
    await at_work.round()
    before, calls = at_work.rows(), at_work.calls
    assert {name for name, rows in before.items() if rows} >= {"clients", "accounts", "orders", "order_lines"}
    report = await at_work.round()
    assert at_work.rows() == before
    assert at_work.calls - calls < calls / 2
    assert (report.linked, report.founded, report.stamped) == (0, 0, 0)


async def test_what_is_new_or_changed_comes_with_the_next_round(at_work: Venture) -> None:
    """New orders, a new member, and new states of old ones; an order's lines are replaced together."""
    await at_work.round()
    now = datetime.now(UTC) - timedelta(minutes=5)
    [(order, buyer)] = many_lines(at_work)
    pacific = wall(now)
    one_line = orjson.dumps([[32_000_000_000_000_001, "Tea", "GROCERY", 1, 700]]).decode()
    sql = "UPDATE orders SET status = 'FINISH', end_reason = NULL, lines = ?, modified = ? WHERE id = ?"
    assert at_work.change("alibaba", sql, one_line, pacific, order) == 1
    columns = "9000000000000001, buyer, buyer_name, 'NEW_WORD', NULL, ?, paid, sent, ?, lines, 0"
    sql = f"INSERT INTO orders SELECT {columns} FROM orders WHERE id = ?"
    assert at_work.change("alibaba", sql, pacific, pacific, order) == 1
    sql = (
        "INSERT INTO users VALUES (?, '7777777777', 'Новая Клиентка', 'new@example.org', NULL, NULL, NULL, ?)"
    )
    assert at_work.change("mailru", sql, now.isoformat()[:19], now.isoformat()[:19]) == 1
    await at_work.round()
    assert at_work.ask("SELECT total_minor FROM orders WHERE id = ?", f"AlibabaOrder:{order}") == [(700,)]
    assert at_work.ask("SELECT line, name FROM order_lines WHERE order_id = ?", f"AlibabaOrder:{order}") == [
        (1, "Tea")
    ]
    [(status, raw, account, client)] = at_work.ask(
        "SELECT status, status_raw, account_id, client_id FROM orders WHERE id = 'AlibabaOrder:9000000000000001'"
    )
    assert (status, raw, account) == ("UNKNOWN", "NEW_WORD", f"ALIBABA:{buyer}")
    assert client is not None
    [(client,)] = at_work.ask("SELECT client_id FROM accounts WHERE id = 'MAILRU:7777777777'")
    assert at_work.ask("SELECT client_id FROM profiles WHERE account_id = 'MAILRU:7777777777'") == [(client,)]
    assert client is not None


async def test_the_last_word_about_a_parent_counts_within_a_batch(at_work: Venture) -> None:
    """The same order twice in one batch, first with more lines: only the later ones remain."""
    [source] = [each for each in at_work.sources if each.name == "alibaba"]
    [orders] = [each for each in source.datasets if each.name == "orders"]
    async with Upstream(source.name, source.settings) as upstream:
        first = await anext(orders.pull(upstream, {}))
    [record] = [each for each in first.records if len(each["product_list"]["order_product_dto"]) > 2][:1]
    shorter = orjson.loads(orjson.dumps(record))
    del shorter["product_list"]["order_product_dto"][1:]
    await keep_batch(at_work, orders, Batch([record, shorter], {}))
    assert len(at_work.ask("SELECT * FROM order_lines")) == 1
    await keep_batch(at_work, orders, Batch([shorter, record], {}))
    assert len(at_work.ask("SELECT * FROM order_lines")) == len(record["product_list"]["order_product_dto"])


async def test_an_older_page_replaces_neither_total_nor_lines_of_an_order_that_changed_since(
    at_work: Venture,
) -> None:
    """What another sync or a webhook brought meanwhile stays, lines and total too, in one batch as in two."""
    [source] = [each for each in at_work.sources if each.name == "alibaba"]
    [orders] = [each for each in source.datasets if each.name == "orders"]
    async with Upstream(source.name, source.settings) as upstream:
        first = await anext(orders.pull(upstream, {}))
    [older] = [each for each in first.records if len(each["product_list"]["order_product_dto"]) > 2][:1]
    newer = orjson.loads(orjson.dumps(older)) | {
        "gmt_update": wall(datetime.now(UTC)),
        "logistics_status": "NEW",
    }
    newer["pay_amount"] |= {"amount": "7.00", "cent": 700}
    del newer["product_list"]["order_product_dto"][1:]
    for batches in ([[newer], [older]], [[older]], [[newer, older]]):
        for records in batches:
            await keep_batch(at_work, orders, Batch(records, {}))
        assert at_work.ask("SELECT total_minor, (SELECT count(*) FROM order_lines) FROM orders") == [(700, 1)]
        assert at_work.ask("SELECT logistics_status FROM alibaba_orders") == [("NEW",)]
    await keep_batch(at_work, orders, Batch([older | {"gmt_update": newer["gmt_update"]}], {}))
    assert at_work.ask("SELECT count(*) FROM order_lines")[0][0] > 2
