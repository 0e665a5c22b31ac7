"""Answers: operation histories and faults in SOAP 1.2, under prefixes that change as the partner's do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape
from zlib import crc32

from starlette.responses import Response

from connectors.russianpost.soap import DATA, ENVELOPE, OPERATION

PREFIXES = (("S", "ns7", "ns3"), ("soap", "ns2", "ns4"), ("env", "oper", "data"))

COUNTRIES = {
    "CN": ("156", "CHN", "Китай", "China"),
    "RU": ("643", "RUS", "Российская Федерация", "Russian Federation"),
}


class Operation(NamedTuple):
    """Something that was done to a parcel, with its names in the language that was asked for."""

    kind: int
    attribute: int
    kind_name: str
    attribute_name: str | None
    at: str
    country: str
    postcode: str
    place: str


def told(number: str, operations: Sequence[Operation]) -> Response:
    """The history of a parcel; empty where nothing is known."""
    envelope, call, data = PREFIXES[crc32(number.encode()) % len(PREFIXES)]
    records = "".join(_record(data, number, each) for each in operations)
    return _answer(
        f'<{envelope}:Envelope xmlns:{envelope}="{ENVELOPE}"><{envelope}:Body>'
        f'<{call}:getOperationHistoryResponse xmlns:{call}="{OPERATION}" xmlns:{data}="{DATA}">'
        f"<{data}:OperationHistoryData>{records}</{data}:OperationHistoryData>"
        f"</{call}:getOperationHistoryResponse></{envelope}:Body></{envelope}:Envelope>"
    )


def failed(code: str, reason: str, detail: str | None = None) -> Response:
    """A fault."""
    told = f'<S:Detail><f:{detail} xmlns:f="{DATA}"/></S:Detail>' if detail else ""
    return _answer(
        f'<S:Envelope xmlns:S="{ENVELOPE}"><S:Body><S:Fault><S:Code><S:Value>S:{code}</S:Value></S:Code>'
        f'<S:Reason><S:Text xml:lang="en">{escape(reason)}</S:Text></S:Reason>{told}'
        "</S:Fault></S:Body></S:Envelope>",
        500,
    )


def _record(p: str, number: str, operation: Operation) -> str:
    """One `historyRecord`; an attribute of 0 has no name, as there."""
    code, three, russian, english = COUNTRIES.get(operation.country, ("0", "", "", operation.country))
    country = _element(
        p, "CountryOper", Id=code, Code2A=operation.country, Code3A=three, NameRU=russian, NameEN=english
    )
    place = _element(p, "OperationAddress", Index=operation.postcode, Description=operation.place)
    attribute = {"Id": str(operation.attribute)} | (
        {"Name": operation.attribute_name} if operation.attribute_name else {}
    )
    item = {"Barcode": number, "ComplexItemName": "Small packet, registered", "Mass": "420"}
    return (
        f"<{p}:historyRecord><{p}:AddressParameters>{place}{country}</{p}:AddressParameters>"
        f"{_element(p, 'FinanceParameters', Payment='0', Value='0', CustomDuty='0')}"
        f"{_element(p, 'ItemParameters', **item)}<{p}:OperationParameters>"
        f"{_element(p, 'OperType', Id=str(operation.kind), Name=operation.kind_name)}"
        f"{_element(p, 'OperAttr', **attribute)}<{p}:OperDate>{operation.at}</{p}:OperDate>"
        f"</{p}:OperationParameters>{_element(p, 'UserParameters', Rcpn='ИВАНОВ И.', Sndr='SHENZHEN TRADE')}"
        f"</{p}:historyRecord>"
    )


def _element(prefix: str, element: str, **values: str) -> str:
    inside = "".join(f"<{prefix}:{name}>{escape(text)}</{prefix}:{name}>" for name, text in values.items())
    return f"<{prefix}:{element}>{inside}</{prefix}:{element}>"


def _answer(text: str, status: int = 200) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>{text}'
    return Response(body, status, media_type="application/soap+xml; charset=utf-8")
