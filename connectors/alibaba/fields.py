"""Fields of a partner's record, each read strictly: what is not as agreed is `Unreadable`, and never guessed.

Reasons name the field and never show its value, for they are stored and shown.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from gateway.connector import Amount, Unreadable

logger = logging.getLogger(__name__)

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "init_order_amount": ("init_oder_amount",),
    "buyer_login_id": ("buyerloginid",),
    "sku_stock_count": ("ipm_sku_stock", "sku_available_stock", "s_k_u_available_stock"),
    "message": ("msg", "error_message", "error_msg", "error_desc", "resp_msg", "rsp_msg"),
}
"""Other names under which a field comes: the partner's misspellings, which it keeps, and those that drifted."""

_LARGEST = 2**63 - 1
_AMOUNT = re.compile(r"[0-9]{1,16}(\.[0-9]{1,8})?")


def fields(value: object, name: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is not an object")
    return value


def text(record: Mapping[str, Any], name: str) -> str:
    """A text that is not empty."""
    value = spelt(record, name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is not a text")
    return value


def optional(record: Mapping[str, Any], name: str) -> str | None:
    """A text, or None where the field is absent or empty."""
    return text(record, name) if spelt(record, name) else None


def whole(record: Mapping[str, Any], name: str) -> int:
    """A whole number from 0 on, of 63 bits; the partner writes some as text."""
    value = spelt(record, name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    # A float is an id that has already lost its last digits.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise Unreadable(f"{name} is not a whole number")
    return value


def money(record: Mapping[str, Any], name: str) -> Amount:
    """An amount in hundredths of its currency.

    The partner writes `{amount, currency_code}` with the amount a decimal text (`amount_str` in nested
    copies). Where `cent` and `cent_factor` stand beside it, they count, for `amount` is known to be 0 or
    stale then.
    """
    value = fields(spelt(record, name), name)
    currency = value.get("currency_code")
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isalpha():
        raise Unreadable(f"{name}.currency_code is not a currency")
    written = value.get("amount", value.get("amount_str"))
    if "cent" not in value:
        return Amount(_hundredths(written, name), currency)
    minor = _from_cents(value, name)
    if written is not None and _hundredths(written, name) != minor:
        logger.warning("%s: amount and cent differ; cent stands", name)
    return Amount(minor, currency)


def price(record: Mapping[str, Any], name: str, currency: str) -> Amount:
    """An amount that is a bare decimal text, in a currency that stands elsewhere."""
    return Amount(_hundredths(record.get(name), name), currency)


def cents(record: Mapping[str, Any], name: str, currency: str) -> Amount:
    """An amount that is a bare number of cents, as affiliate orders have it."""
    return Amount(whole(record, name), currency)


def currency(record: Mapping[str, Any], name: str) -> str:
    """A currency; the first, where the partner names several (`USD;RUB`)."""
    found = text(record, name).partition(";")[0]
    if len(found) != 3 or not found.isascii() or not found.isupper():
        raise Unreadable(f"{name} is not a currency")
    return found


def spelt(record: Mapping[str, Any], name: str) -> Any:
    """A field under whichever of its spellings it comes; None where it comes under none."""
    value = record.get(name)
    if value is None and name in SPELLINGS:
        value = next((record[each] for each in SPELLINGS[name] if record.get(each) is not None), None)
    return value


def inner(record: Mapping[str, Any], name: str) -> Any:
    """What a text that is JSON again says; None where the field is absent, or no JSON, as happens."""
    value = record.get(name)
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def _from_cents(value: Mapping[str, Any], name: str) -> int:
    factor = whole(value, "cent_factor") if "cent_factor" in value else 100
    if not factor:
        raise Unreadable(f"{name}.cent_factor is zero")
    minor, finer = divmod(whole(value, "cent") * 100, factor)
    return _exact(minor, bool(finer), name)


def _hundredths(value: object, name: str) -> int:
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise Unreadable(f"{name}.amount is not a decimal text")
    scaled = Decimal(value).scaleb(2)
    minor = int(scaled)
    return _exact(minor, scaled != minor, name)


def _exact(minor: int, finer: bool, name: str) -> int:
    if finer:
        raise Unreadable(f"{name} is finer than a hundredth")
    if minor > _LARGEST:
        raise Unreadable(f"{name} is out of range")
    return minor


def listed(value: object, element: str) -> list[Any]:
    """The items of a list, however the partner wrapped it.

    Documented is `{"<element>": [...]}`. With `simplify`, and at times without, it is the bare list; it may
    be one bare item where the list has one, and it is absent where the list has none.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return listed(value[element], element) if element in value else [value] if value else []
    raise Unreadable(f"the list of {element} is not a list")
