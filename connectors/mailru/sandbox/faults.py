"""Faults of myTarget's and Pandao's own: what becomes of tokens, limits, lists and values on a bad day.

Each is known from the partner's documents (tokens, limits, what a missing right looks like) or, for Pandao, from
relatives of its shape; the numbers are those of the fault list that the tests go by. What is always so (a grant that
changes its types, windows of statistics, an address with the token in it) is no fault here, and is in every answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from connectors.mailru.sandbox.answers import json, not_found, unauthorized
from connectors.mailru.sandbox.grants import Grants
from gateway.connector import struck

FAULTS: Mapping[str, str] = {
    "F31": "myTarget: the tokens that a client may have are all given out, to installations that are gone.",
    "F32": "myTarget: somebody else refreshes the token, which ends it, just before it is used.",
    "F33": "myTarget: the client's tokens are swept, with what would refresh them.",
    "F34": "myTarget: the owner has taken the permission back.",
    "F36": "myTarget: the calls of this second are used up.",
    "F37": "myTarget: the statistics of a single thing are no list of one, but the thing itself.",
    "F39": "myTarget: a segment vanishes after it was listed.",
    "F40": "myTarget: statistics are not to be found, for who has no right to them.",
    "F43": "Pandao: the address of the next page is another host's.",
    "F44": "Pandao: truth comes as itself, and not as the text that is agreed.",
}

FOREIGN = "http://pandao.invalid/api/v2/order/multi-get"

_FLAGS = {"True": True, "False": False}


def give_out(request: Request, tokens: Grants) -> None:
    """Before a token is asked for: leave none."""
    while struck(request, "F31") and tokens.grant():
        pass


def refusal(request: Request, tokens: Grants, access: str) -> Response | None:
    """What a call is refused with though its token was good; or what became of its token, which is then refused."""
    if struck(request, "F32"):
        tokens.refresh_of(access)
    if struck(request, "F33"):
        tokens.delete_all()
    if struck(request, "F34"):
        return unauthorized("revoked_token", "Access token is revoked")
    return json({"remaining": {"1": 0}, "limits": {"1": 1}}, 429) if struck(request, "F36") else None


def vanished(request: Request, fault: str) -> Response | None:
    """The answer to a call for what is not there any more."""
    return not_found() if struck(request, fault) else None


def items(request: Request, found: Sequence[Any]) -> Any:
    """The items of an answer: a list, or what it would hold."""
    return found[0] if len(found) == 1 and struck(request, "F37") else found


def address(request: Request, own: str) -> str:
    """The address of the next page."""
    return f"{FOREIGN}?{own.partition('?')[2]}" if struck(request, "F43") else own


def records(request: Request, found: list[Any]) -> list[Any]:
    """Pandao's records, each an object in an object of one member."""
    if not struck(request, "F44"):
        return found
    return [
        {
            kind: {
                name: _FLAGS.get(value, value) if isinstance(value, str) else value
                for name, value in fields.items()
            }
        }
        for record in found
        for kind, fields in record.items()
    ]
