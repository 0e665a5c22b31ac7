"""SOAP: one call of Russian Post's tracking service, `getOperationHistory` of `rtm34`.

Documented by the partner: the address, SOAP 1.2, both namespaces, the request with its `AuthorizationHeader`, and the
answer's elements. Prefixes change from answer to answer, so names are read without them. Modelled: which faults there
are, but for `AuthorizationFault`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from gateway.connector import Answer, Kind, PartnerError, Request, Upstream

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

OPERATION = "http://russianpost.org/operationhistory"
DATA = "http://russianpost.org/operationhistory/data"
ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"

_CALL = f"""<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="{ENVELOPE}" xmlns:oper="{OPERATION}" xmlns:data="{DATA}">
<soap:Header/><soap:Body><oper:getOperationHistory>
<data:OperationHistoryRequest><data:Barcode>{{number}}</data:Barcode><data:MessageType>0</data:MessageType>
<data:Language>ENG</data:Language></data:OperationHistoryRequest>
<data:AuthorizationHeader soap:mustUnderstand="1"><data:login>{{login}}</data:login>
<data:password>{{password}}</data:password></data:AuthorizationHeader>
</oper:getOperationHistory></soap:Body></soap:Envelope>"""

_PERSONAL = "UserParameters"
"""Names of sender and recipient; they are not read."""

Fields = dict[str, Any]
"""An element's children by name: a text, or what is in them."""


async def operation_history(upstream: Upstream, number: str) -> list[Fields]:
    """The operations on a parcel, as they come; none where it is not known yet. Raises `PartnerError`."""
    settings = upstream.settings

    def prepare() -> Request:
        given = {name: escape(settings[name]) for name in ("login", "password")}
        body = _CALL.format(number=escape(number), **given).encode()
        return Request(
            "POST",
            "/rtm34",
            body=body,
            headers={"Content-Type": "application/soap+xml; charset=UTF-8"},
            name="getOperationHistory",
        )

    return await upstream.read(prepare, history)


def history(answer: Answer) -> list[Fields]:
    """The `historyRecord`s of an answer, without what is personal. Raises `PartnerError`."""
    root = _parsed(answer)
    fault = root.find(f".//{{{ENVELOPE}}}Fault")
    if fault is not None:
        raise _refusal(fault)
    data = root.find(f".//{{{DATA}}}OperationHistoryData")
    if data is None:
        raise PartnerError(Kind.TRANSIENT, f"the answer (HTTP {answer.status}) is no operation history")
    return [_fields(each) for each in data if _name(each) == "historyRecord"]


def _parsed(answer: Answer) -> Element:
    try:
        root: Element = fromstring(answer.body, forbid_dtd=True)
    except DefusedXmlException:
        # SOAP forbids a document type, and entities are how a short text becomes a long one.
        raise PartnerError(Kind.DRIFT, "the answer declares a document type") from None
    except (ParseError, LookupError, ValueError):
        raise PartnerError(Kind.TRANSIENT, f"the answer (HTTP {answer.status}) is not XML") from None
    return root


def _refusal(fault: Element) -> PartnerError:
    names = {_name(each) for each in fault.iter()}
    if "AuthorizationFault" in names:
        return PartnerError(Kind.AUTH, "login or password is refused", code="AuthorizationFault")
    known = sorted(name for name in names if name.endswith("Fault") and name != "Fault")
    # What it says of one number is said again whenever it is asked about that number.
    kind = Kind.BUSINESS if known else Kind.TRANSIENT
    return PartnerError(kind, "the service failed", code=known[0] if known else "Fault")


def _fields(element: Element) -> Fields:
    return {
        _name(each): _fields(each) if len(each) else (each.text or "").strip()
        for each in element
        if _name(each) != _PERSONAL
    }


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
