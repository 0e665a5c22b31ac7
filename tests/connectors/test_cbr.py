"""Exchange rates of the Bank of Russia: its encoding, commas, nominals and calendar, and what becomes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import pytest_asyncio

from connectors.cbr import connector
from connectors.cbr.documents import read_document
from connectors.cbr.rates import rates, read_rate
from connectors.cbr.sandbox import CURRENCIES, furnish, sandbox
from gateway.connector import Answer, Kind, PartnerError, Request, Unreadable, Upstream, exchange_rates
from gateway.sandboxes.faults import Fault
from gateway.sandboxes.faulty import Faulty
from tests.conftest import Gateway, start
from tests.partners import served

pytestmark = pytest.mark.asyncio(loop_scope="module")

SATURDAY, SUNDAY, MONDAY = "2017-12-16", "2017-12-17", "2017-12-18"
ROWS = [
    ("USD", "2017-12-16", 1, "58.8987"),
    ("CNY", "2017-12-16", 10, "89.1234"),
    ("JPY", "2017-12-16", 100, "52.3000"),
    ("USD", "2017-12-19", 1, "58.7082"),
    ("EUR", "2017-12-19", 1, "69.2052"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("bank")
    furnish(SimpleNamespace(last=datetime(2018, 1, 12, 12, tzinfo=UTC)), found)  # type: ignore[arg-type]
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank(folder: Path) -> AsyncIterator[Upstream]:
    async with served(sandbox(folder, {})) as url, Upstream("cbr", {"url": url}) as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    rows = [dict(zip(("currency", "effective_on", "nominal", "roubles"), row, strict=True)) for row in ROWS]
    async for each in start(tmp_path_factory.mktemp("rates"), {exchange_rates: rows}):
        yield each


# The wire


async def page(bank: Upstream, path: str, **query: str) -> Answer:
    return await bank.send(Request("GET", f"/scripts/{path}", query))


@pytest.mark.parametrize(
    ("asked", "dated"),
    [
        ("16/12/2017", "16.12.2017"),
        ("17/12/2017", "16.12.2017"),
        ("18/12/2017", "16.12.2017"),
        ("19/12/2017", "19.12.2017"),
        ("05/01/2018", "30.12.2017"),
        ("12/12/2042", "12.01.2018"),
    ],
)
async def test_a_page_of_a_sunday_is_dated_saturday(bank: Upstream, asked: str, dated: str) -> None:
    """The page of a day without a new rate is the one in force, over Sundays, Mondays and New Year's holidays."""
    answer = await page(bank, "XML_daily.asp", date_req=asked)
    assert answer.body.startswith(b'<?xml version="1.0" encoding="windows-1251"?>')
    assert "Доллар США".encode("windows-1251") in answer.body
    root = read_document(answer)
    assert root.attrib["Date"] == dated
    dollar, yen = (root.find(f"Valute[CharCode='{code}']") for code in ("AUD", "JPY"))
    assert dollar is not None
    assert yen is not None
    assert dollar.findtext("NumCode") == "036"
    assert (yen.findtext("Nominal"), yen.findtext("Name")) == ("100", "Японских иен")
    assert "," in str(yen.findtext("Value"))


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("XML_daily.asp", {"date_req": "2017-12-16"}),
        ("XML_daily.asp", {"date_req": "16/12/1992"}),
        ("XML_dynamic.asp", {"date_req1": "01/12/2017", "date_req2": "31/12/2017", "VAL_NM_RQ": "USD"}),
        ("XML_dynamic.asp", {"date_req1": "31/12/2017", "date_req2": "01/12/2017", "VAL_NM_RQ": "R01235"}),
    ],
)
async def test_a_wrong_request_is_an_error_though_http_says_200(
    bank: Upstream, path: str, query: dict[str, str]
) -> None:
    answer = await page(bank, path, **query)
    assert answer.status == 200
    with pytest.raises(PartnerError) as caught:
        read_document(answer)
    assert caught.value.kind is Kind.BUSINESS


BOMB = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><ValCurs>&b;</ValCurs>'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.TRANSIENT),
        (b"<html><body>gateway error</body></html>", Kind.TRANSIENT),
        (b"<!doctype html><title>busy<p>", Kind.TRANSIENT),
        (b'<?xml version="1.0" encoding="windows-1251"?><ValCurs Date="16.12.2017"><Valute', Kind.TRANSIENT),
        (b'<?xml version="1.0" encoding="klingon"?><ValCurs/>', Kind.TRANSIENT),
        (BOMB, Kind.DRIFT),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><ValCurs/>', Kind.DRIFT),
        (b"<Rates/>", Kind.DRIFT),
    ],
)
async def test_what_is_no_document_of_rates_is_an_error(body: bytes, kind: Kind) -> None:
    """Half a document and a page for people may pass; what says other things than before does not by itself."""
    with pytest.raises(PartnerError) as caught:
        read_document(Answer(200, {}, body))
    assert caught.value.kind is kind


async def test_all_currencies_come_from_the_first_day_on_and_then_only_what_is_new(bank: Upstream) -> None:
    first = [batch async for batch in rates.pull(bank, {})]
    records = [record for batch in first for record in batch.records]
    assert {record["code"] for record in records} == {each.code for each in CURRENCIES}
    days = {record["date"] for record in records if record["code"] == "USD"}
    assert {"10.01.2017", "30.12.2017", "12.01.2018"} <= days
    assert not any(datetime.strptime(day, "%d.%m.%Y").isoweekday() in (7, 1) for day in days)
    cursor = orjson.loads(orjson.dumps(first[-1].cursor))
    again = [record for batch in [b async for b in rates.pull(bank, cursor)] for record in batch.records]
    assert {record["date"] for record in again} == {"10.01.2018", "11.01.2018", "12.01.2018"}


async def test_a_bank_that_tells_of_another_currency_is_not_believed(bank: Upstream, folder: Path) -> None:
    app = sandbox(folder, {})

    async def confused(scope: Any, receive: Any, send: Any) -> None:
        asked = scope.get("query_string", b"").replace(b"R01235", b"R01239")
        await app({**scope, "query_string": asked}, receive, send)

    async with served(confused) as url, Upstream("cbr", {"url": url}) as upstream:
        with pytest.raises(PartnerError, match="another currency") as caught:
            [batch async for batch in rates.pull(upstream, {})]
    assert caught.value.kind is Kind.DRIFT


RECORD = {"code": "JPY", "date": "16.12.2017", "Nominal": "100", "Value": "52,3000", "VunitRate": "0,523"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Value": "52.3000"}, "decimal comma"),
        ({"Value": "1 052,3000"}, "decimal comma"),
        ({"Value": "0,0000"}, "decimal comma"),
        ({"Value": "-1,0"}, "decimal comma"),
        ({"Nominal": "0"}, "Nominal"),
        ({"date": "2017-12-16"}, "not a date"),
        ({"date": "31.02.2017"}, "not a date"),
        ({"code": "Йен"}, "ISO 4217"),
    ],
)
async def test_a_rate_that_is_none_is_refused(change: dict[str, str], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_rate({**RECORD, **change})


async def test_a_rate_is_kept_exactly_with_its_nominal() -> None:
    """VunitRate, which old documents lack, is not needed."""
    record = {key: value for key, value in RECORD.items() if key != "VunitRate"}
    row = {"currency": "JPY", "effective_on": "2017-12-16", "nominal": 100, "roubles": "52.3000"}
    assert read_rate(record) == {exchange_rates: [row]}


# The graph


async def asked(gateway: Gateway, base: str, quote: str, on: str, **options: Any) -> Any:
    document = (
        f'{{ fxRate(base: "{base}", quote: "{quote}", on: "{on}")'
        " { rate requestedOn effectiveOn source base quote } }"
    )
    return await gateway.ask(document, "RDIF", **{"scopes": "cbr:rates", **options})


@pytest.mark.parametrize(
    ("base", "quote", "on", "rate", "effective"),
    [
        ("USD", "RUB", SATURDAY, "58.8987", SATURDAY),
        ("USD", "RUB", SUNDAY, "58.8987", SATURDAY),
        ("USD", "RUB", MONDAY, "58.8987", SATURDAY),
        ("CNY", "RUB", SUNDAY, "8.91234", SATURDAY),
        ("JPY", "RUB", SUNDAY, "0.5230", SATURDAY),
        ("RUB", "JPY", SUNDAY, "1.91204588910", SATURDAY),
        ("JPY", "CNY", SUNDAY, "0.0586826804184", SATURDAY),
        ("USD", "USD", SUNDAY, "1", SATURDAY),
        ("USD", "RUB", "2017-12-19", "58.7082", "2017-12-19"),
        # Both must be of one day, or the quotient is the rate of none.
        ("JPY", "USD", "2017-12-20", "0.00887965269183", SATURDAY),
        ("EUR", "JPY", "2017-12-20", None, None),
        ("USD", "RUB", "2017-12-15", None, None),
        ("USD", "RUB", "2018-01-02", "58.7082", "2017-12-19"),
        ("USD", "RUB", "2018-01-03", None, None),
        ("XXX", "RUB", SUNDAY, None, None),
        ("USD", "RUB", "0001-01-01", None, None),
        ("USD", "RUB", "9999-12-31", None, None),
    ],
)
async def test_a_rate_is_the_one_in_force_that_day(
    gateway: Gateway, base: str, quote: str, on: str, rate: str | None, effective: str | None
) -> None:
    answer = await asked(gateway, base, quote, on)
    assert "errors" not in answer
    found = answer["data"]["fxRate"]
    expected = {"rate": rate, "requestedOn": on, "effectiveOn": effective, "source": "CBR"}
    assert found == (rate and {**expected, "base": base, "quote": quote})


@pytest.mark.parametrize(
    ("base", "quote"), [("usd", "RUB"), ("USD", ""), ("USD", "RUB' --"), ("ＵＳＤ", "RUB")]
)
async def test_what_is_no_currency_is_the_callers_error(gateway: Gateway, base: str, quote: str) -> None:
    answer = await asked(gateway, base, quote, SUNDAY)
    assert answer["data"] == {"fxRate": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_public_data_needs_its_scope(gateway: Gateway) -> None:
    refused = await asked(gateway, "USD", "RUB", SUNDAY, scopes="fund:reports")
    assert refused["errors"][0]["extensions"]["missingScopes"] == ["cbr:rates"]


async def test_a_price_with_a_point_is_put_aside_and_never_taken_for_another(folder: Path) -> None:
    """F50, as the sandbox shows it: what would be ten thousand times the price is no price."""
    misbehaving = Faulty(sandbox(folder, {}), connector.faults)
    misbehaving.tell(Fault.told({"fault": "F50", "rate": 1}, misbehaving.known))
    async with served(misbehaving) as url, Upstream("cbr", {"url": url}) as upstream:
        records = [record async for batch in rates.pull(upstream, {}) for record in batch.records]
    assert records
    for record in records:
        with pytest.raises(Unreadable, match="decimal comma"):
            read_rate(record)
