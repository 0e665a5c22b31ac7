"""IOP, the protocol of AliExpress's open platform since 2022: one signed call, and what its answer holds.

Documented by the partner: business methods go to `/sync` with the method as a parameter; the timestamp is
milliseconds since the epoch (GMT) and may be off by 7,200 s; query and form are merged for the signature;
errors too come with HTTP 200; the root key of a success is the method's name with underscores and
`_response`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.alibaba.refusals import is_retired, refusal
from connectors.alibaba.signing import sign_sha256, texts
from gateway.connector import Answer, Kind, PartnerError, Request, Upstream


async def call(upstream: Upstream, method: str, parameters: Mapping[str, object]) -> Mapping[str, Any]:
    """What stands below the root key of the answer to a reading call. Raises `PartnerError`."""
    prepare = partial(signed, upstream.settings, method, parameters)
    return await upstream.read(prepare, partial(accepted, method))


def signed(settings: Mapping[str, str], method: str, parameters: Mapping[str, object]) -> Request:
    """The request, signed for this moment."""
    query = {
        "method": method,
        "app_key": settings["app_key"],
        "timestamp": str(time.time_ns() // 1_000_000),
        "sign_method": "sha256",
        "format": "json",
    }
    # The token is a secret, and addresses end up in the logs of whoever stands between.
    form = {"access_token": settings["access_token"], **texts(parameters)}
    query["sign"] = sign_sha256({**query, **form}, settings["app_secret"])
    return Request("POST", "/sync", query=query, form=form, name=method)


def accepted(method: str, answer: Answer) -> Mapping[str, Any]:
    """What stands below the root key. Raises `PartnerError` for an answer that is no success."""
    body = _parsed(answer)
    error = body.get("error_response") or (body if str(body.get("code", "0")) != "0" else None)
    if isinstance(error, dict):
        raise refusal(error, method)
    if answer.status >= 500:
        raise PartnerError(Kind.TRANSIENT, f"{method} failed with HTTP {answer.status}")
    # With `simplify` the root is there in some answers and not in others.
    found = body.get(method.replace(".", "_") + "_response", body)
    if not isinstance(found, dict):
        raise PartnerError(Kind.DRIFT, f"the answer to {method} is not of the agreed form")
    return found


def _parsed(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except PartnerError:
        if is_retired(answer.body[:2_000].decode(errors="replace")):
            raise PartnerError(Kind.RETIRED, "the partner has switched this protocol off") from None
        raise
    if not isinstance(body, dict):
        raise PartnerError(Kind.DRIFT, "the answer is not a JSON object")
    return body
