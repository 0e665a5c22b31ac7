"""Details of one order: `aliexpress.solution.order.info.get` and `…order.receiptinfo.get`, misspellings and all."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson

from connectors.alibaba.sandbox.furnishing import mixed_of
from connectors.alibaba.sandbox.listings import Record, read_filter, wrapped
from connectors.alibaba.sandbox.orders import decimal
from connectors.alibaba.sandbox.parcels import country, logistics, parcels
from connectors.alibaba.sandbox.rows import order_row

_DOLLAR: Record = {
    "currency_code": "USD",
    "numeric_code": 840,
    "default_fraction_digits": 2,
    "symbol": "$",
    "display_name": "US Dollar",
}


def info(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    """`aliexpress.solution.order.info.get`. Raises `CallError`."""
    row = order_row(database, read_filter(parameters, "param1").get("order_id"))
    simplify = parameters.get("simplify") == "true"
    cents = sum(line[4] for line in orjson.loads(row["lines"]))
    discount = cents // 10 if mixed_of(row["id"]) % 3 == 0 else 0
    person = _person(database, row["buyer"])
    data: Record = {
        "id": row["id"],
        "order_status": row["status"],
        # Without seconds here, with them there.
        "gmt_create": row["created"][:16],
        "gmt_modified": row["modified"],
        "buyerloginid": row["buyer"],
        "buyer_info": {"login_id": row["buyer"], "first_name": person["name"], "country": country(row["id"])},
        "receipt_address": _address(person, row["id"]),
        "order_amount": _money(cents),
        "init_oder_amount": _money(cents + discount),
        "logistics_amount": {**_money(0), "amount": "0.00"},
        "escrow_fee": _nested(cents * 5 // 100),
        "order_discount_info": _nested(discount),
        "settlement_currency": "USD",
        "pay_amount_by_settlement_cur": decimal(cents),
        "opr_log_dto_list": None,
        "child_order_ext_info_list": wrapped(
            _children(row), "global_aeop_tp_order_product_info_dto", simplify
        ),
    }
    if row["paid"]:
        data["gmt_pay_success"] = row["paid"]
    if row["end_reason"] == "refund_order_close_trade":
        data["refund_info"] = {
            "refund_status": "refund_ok",
            "refund_type": "payout_refund",
            "refund_cash_amt": _money(cents),
            "refund_time": row["modified"],
        }
    if sent := [logistics(each) for each in parcels(row)]:
        data["logistic_info_list"] = wrapped(sent, "global_aeop_tp_logistic_info_dto", simplify)
    return {"result": {"data": data, "time_stamp": row["modified"]}}


def receipt(database: sqlite3.Connection, parameters: Mapping[str, str]) -> Record:
    """`aliexpress.solution.order.receiptinfo.get`. Raises `CallError`."""
    row = order_row(database, read_filter(parameters, "param1").get("order_id"))
    return {"result": _address(_person(database, row["buyer"]), row["id"])}


def _person(database: sqlite3.Connection, buyer: str) -> Mapping[str, Any]:
    found = database.execute("SELECT name, phone, region FROM members WHERE id = ?", (buyer,)).fetchone()
    return dict(found) if found else {"name": None, "phone": None, "region": None}


def _address(person: Mapping[str, Any], id_: int) -> Record:
    """Where an order goes; the partner keeps a town and a street with each order, here made up of its id."""
    mixed = mixed_of(id_)
    street = f"ul. Lenina {mixed % 97 + 1}, kv. {mixed // 97 % 160 + 1}"
    known = {
        "contact_person": person["name"],
        "country": country(id_),
        "province": person["region"],
        "city": person["region"],
        "detail_address": street,
        "address": street,
        "zip": f"{100_000 + mixed % 599_999}",
        "mobile_no": person["phone"],
        "phone_country": "+7",
        "localized_address": street.replace("ul. Lenina", "ул. Ленина").replace("kv.", "кв."),
    }
    return {name: value for name, value in known.items() if value is not None}


def _children(row: sqlite3.Row) -> list[Record]:
    """The lines again, each with its variant as JSON within a text."""
    lines = orjson.loads(row["lines"])
    return [
        {"product_id": line[0], "product_name": line[1], "quantity": line[3], "sku": _variant(line[0])}
        for line in lines
    ]


def _variant(product: int) -> str:
    return orjson.dumps(
        {"sku": [{"order": 1, "pName": "Ships From", "pValue": "China"}], "id": product}
    ).decode()


def _money(cents: int) -> Record:
    """The partner's GlobalMoneyStr."""
    return {
        "cent": cents,
        "cent_factor": 100,
        "currency_code": "USD",
        "amount": decimal(cents),
        "currency": _DOLLAR,
    }


def _nested(cents: int) -> Record:
    """A nested copy, whose amount has another name."""
    found = _money(cents)
    return {**found, "amount_str": found.pop("amount")}
