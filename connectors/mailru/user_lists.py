"""User lists: an audience as myTarget takes it, a file of hashes.

`POST /api/v2/remarketing/users_lists.json` (documented): multipart, part `file` with an item a line, part `data` with
name and type; 2,000 to 5,000,000 different items, 128 MB at most. E-mails in lower case and phones as digits with the
country's code, each as MD5 in hex. What becomes of a list, the list of lists says, in documented words. That a list is
found there by its name, once its answer was lost, and the form of its items are modelled.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

import orjson

from connectors.mailru.answers import accept
from connectors.mailru.mytarget import whole_list, write
from connectors.mailru.tokens import access_token
from gateway.connector import (
    Answer,
    ContactKind,
    Delivery,
    Kind,
    PartnerError,
    Row,
    Stage,
    Upload,
    Upstream,
    normal_phone,
)

SCOPE = "mailru:activate"
LISTS = "/api/v2/remarketing/users_lists.json"

LEAST = 2_000
MOST = 1_000_000
"""Lines of a file. myTarget takes more; so many cost a worker 200 MB while they are sent."""

AT_ONCE = 10_000
"""Lines that are joined at once."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"[-+0-9()./\s]+")
_TYPES = {ContactKind.EMAIL: "emails", ContactKind.PHONE: "phones"}
_WORD = re.compile(r"[a-z_]{1,40}")
_GONE = frozenset({"pending_delete", "deleting", "deleted", "deleted_to_notify"})


def email_hash(row: Row) -> str | None:
    """The MD5 of an e-mail address in lower case; None where there is none."""
    email = (row.email or "").strip().lower()
    return _md5(email) if _EMAIL.fullmatch(email) else None


def phone_hash(row: Row) -> str | None:
    """The MD5 of a phone number's digits, the country's code before them; None where there is none."""
    # A phone that is a hash already says no number, though there are digits in it.
    phone = normal_phone(row.phone) if row.phone and _PHONE.fullmatch(row.phone) else None
    return _md5(phone.removeprefix("+")) if phone is not None else None


def _md5(text: str) -> str:
    # As the API wants it. What is hashed so can be guessed: it is sent to who has it in plain already, or not at all.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def send(upstream: Upstream, upload: Upload) -> str:
    """The id of the list that was made of an audience."""
    boundary = secrets.token_hex(16)
    body = await asyncio.to_thread(multipart, boundary, upload)
    return await write(upstream, LISTS, body, f"multipart/form-data; boundary={boundary}", _made)


def multipart(boundary: str, upload: Upload) -> bytes:
    """The body of the call (RFC 7578)."""
    data = orjson.dumps({"name": upload.name, "type": _TYPES[upload.by]})
    # In parts, for while one is joined the event loop stands still.
    starts = range(0, len(upload.items), AT_ONCE)
    lines = b"".join("\n".join([*upload.items[start : start + AT_ONCE], ""]).encode() for start in starts)
    file = 'Content-Disposition: form-data; name="file"; filename="audience.txt"\r\nContent-Type: text/plain'
    parts = (('Content-Disposition: form-data; name="data"', data), (file, lines))
    start = f"--{boundary}\r\n".encode()
    sent = b"".join(start + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return sent + f"--{boundary}--\r\n".encode()


def _made(answer: Answer) -> str:
    if answer.status == 202:
        # Taken on to be done later, by a call whose outcome may stay unknown: the list of lists tells.
        raise PartnerError(
            Kind.TRANSIENT, "myTarget does not say whether it made the list", code="ASYNC_UNKNOWN"
        )
    made = answer.json() if answer.status == 201 else accept(answer)
    number = made.get("id") if isinstance(made, dict) else None
    if type(number) is not int:
        raise PartnerError(Kind.DRIFT, "myTarget's answer holds no id of a list")
    return str(number)


async def find(upstream: Upstream, name: str) -> str | None:
    """The id of the list with a name."""
    found = await _listed(upstream, lambda item: item.get("name") == name)
    return str(found["id"]) if found is not None else None


async def follow(upstream: Upstream, number: str) -> Stage | None:
    """How far a list is; None where it is deleted, as it is when nothing used it for sixty days."""
    found = await _listed(upstream, lambda item: str(item.get("id")) == number)
    word = found.get("status") if found is not None else None
    if found is None or word in _GONE:
        return None
    if not isinstance(word, str) or not _WORD.fullmatch(word):
        raise PartnerError(Kind.DRIFT, "myTarget's list is in a state that is no word")
    count = found.get("users_count")
    return Stage(word, word == "ready", count if type(count) is int and count >= 0 else None)


async def _listed(upstream: Upstream, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    items = await whole_list(upstream, LISTS, "id", {"fields": "id,name,status,users_count"})
    return next(filter(wanted, items), None)


delivery = Delivery(
    scope=SCOPE,
    purposes=frozenset({"targeted_offers"}),
    minimum=LEAST,
    maximum=MOST,
    items={ContactKind.EMAIL: email_hash, ContactKind.PHONE: phone_hash},
    prepare=access_token,
    send=send,
    find=find,
    follow=follow,
)
