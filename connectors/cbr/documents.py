"""Documents: the bank's XML, read strictly and without anything that XML can do beyond holding data.

Documented (www.cbr.ru/development/sxml): the declared encoding is windows-1251, numbers have a decimal comma, dates are
DD.MM.YYYY, a rate is for `Nominal` units. What the bank says of a request that it cannot take is text in an empty
`ValCurs`, with HTTP 200.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from gateway.connector import Answer, Kind, PartnerError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # nosec - a name for the type checker


def read_document(answer: Answer) -> Element:
    """The answer's `ValCurs`. Raises `PartnerError` for anything else, whatever the HTTP status."""
    if answer.status != 200:
        kind = Kind.THROTTLED if answer.status == 429 else Kind.TRANSIENT
        if 400 <= answer.status < 500 and kind is not Kind.THROTTLED:
            kind = Kind.BUSINESS
        raise PartnerError(kind, f"the bank answered HTTP {answer.status}", code=str(answer.status))
    try:
        root: Element = fromstring(answer.body, forbid_dtd=True)
    except (ParseError, LookupError, ValueError) as error:
        # Cut short, a page for people, or XML with entities; the text of the error may quote it.
        kind = Kind.DRIFT if isinstance(error, DefusedXmlException) else Kind.TRANSIENT
        raise PartnerError(kind, "the bank's answer is not a document of rates") from None
    if root.tag != "ValCurs":
        kind = Kind.TRANSIENT if root.tag.lower() == "html" else Kind.DRIFT
        raise PartnerError(kind, "the bank's answer is not a document of rates")
    if len(root) == 0 and (root.text or "").strip():
        raise PartnerError(Kind.BUSINESS, "the bank does not take the request")
    return root


def texts(element: Element) -> dict[str, str]:
    """The texts of an element's children by their names."""
    return {child.tag: (child.text or "").strip() for child in element}


def day(text: str) -> date:
    """A date as the bank writes it. Raises ValueError."""
    return datetime.strptime(text, "%d.%m.%Y").date()


def asked(moment: date) -> str:
    """A date as the bank wants to be asked."""
    return f"{moment:%d/%m/%Y}"
