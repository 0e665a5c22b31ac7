"""Faults of AliExpress's own: how it refuses calls it should take, and bends answers it should give straight.

Each is known from the partner's documents or from what integrators report of it; the numbers are those of the fault
list that the tests go by. What it always does (misspelt names, ids beyond 2^53, orders that only a status shows) is no
fault here, and is in every answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from connectors.alibaba.profiles import BEIJING
from connectors.alibaba.sandbox.admission import TOP, CallError, Protocol
from gateway.connector import struck

FAULTS: Mapping[str, str] = {
    "F01": "Ids come as floating-point numbers, which have lost their last digits.",
    "F05": "Every signature is refused, as if another algorithm were asked for.",
    "F09": "Calls come too fast, it says, and are banned for a second.",
    "F10": "The calls of the day are used up, until midnight in Beijing.",
    "F11": "The load is too high, it says, for another second.",
    "F12": "The access token has expired, and so has every other.",
    "F13": "An error stands within a success.",
    "F14": "A success has an error's code.",
    "F15": "Lists are bare, or a list of one is the one.",
    "F16": "JSON within texts is cut off.",
    "F18": "Orders have a status that nobody has heard of.",
    "F21": "Amounts are 0, and the truth is in the cents beside them.",
    "F25": "TOP is offline, it says, for good.",
}

_DOUBLES = 2**53


def refusal(request: Request, protocol: Protocol) -> CallError | None:
    """What a call is refused with, whatever it asks; None where it is taken."""
    if struck(request, "F25"):
        return CallError(code=22, msg="TOP has been offline, please migrate to the new platform")
    if struck(request, "F05"):
        return protocol.refusal("signature")
    for fault, said in _BANS.items():
        if struck(request, fault):
            return said(protocol is TOP)
    return protocol.refusal("token") if struck(request, "F12") else None


def _short(top: bool) -> CallError:
    said = "Api access frequency exceeds the limit. this ban will last 1 seconds"
    return _limited("api-access-count", said) if top else CallError(type="ISP", code="ApiCallLimit", msg=said)


def _daily(top: bool) -> CallError:
    now = datetime.now(BEIJING)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    said = f"This ban will last for {int((midnight - now).total_seconds())} more seconds"
    if top:
        return _limited("app-access-count", said)
    return CallError(
        type="SYSTEM", code="AppApiCallLimit", msg=f"The frequency of access is too high. {said}"
    )


def _dynamic(top: bool) -> CallError:
    return _limited("dynamic-access-count", "This ban will last for 1 more seconds")


def _limited(what: str, said: str) -> CallError:
    sub_code = f"accesscontrol.limited-by-{what}"
    return CallError(code=7, msg="App Call Limited", sub_code=sub_code, sub_msg=said)


_BANS: Mapping[str, Callable[[bool], CallError]] = {"F09": _short, "F10": _daily, "F11": _dynamic}


def bent(request: Request, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands below the root of an answer, as the faults that strike the call leave it."""
    if struck(request, "F13"):
        return _failed(found)
    if struck(request, "F14") and isinstance(found.get("result"), dict):
        found = {**found, "result": {**found["result"], "error_code": 24000011, "error_message": "N/A"}}
    for fault, bend in _BENDS.items():
        if struck(request, fault):
            found = {name: _walked(value, bend) for name, value in found.items()}
    return found


def _failed(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same answer, had it failed: three kinds of methods have three kinds of words for it."""
    if "resp_result" in found:
        return {**found, "resp_result": {"resp_code": 404, "resp_msg": "System Error"}}
    parcels = {"ret": False, "code": "404", "msg": "System Error"}
    others = {"success": False, "error_code": "404", "error_message": "System Error"}
    return {**found, "result": {**parcels, **others}}


def _walked(value: Any, bend: Callable[[dict[str, Any]], Any]) -> Any:
    """A value with every object in it bent, the inner ones first."""
    if isinstance(value, list):
        return [_walked(each, bend) for each in value]
    if isinstance(value, dict):
        return bend({name: _walked(each, bend) for name, each in value.items()})
    return value


def _as_doubles(record: dict[str, Any]) -> Any:
    large = {
        name: float(value) for name, value in record.items() if isinstance(value, int) and value > _DOUBLES
    }
    return record | large


def _unwrapped(record: dict[str, Any]) -> Any:
    [*values] = record.values()
    if (
        len(values) != 1
        or not isinstance(values[0], list)
        or not all(isinstance(each, dict) for each in values[0])
    ):
        return record
    return values[0][0] if len(values[0]) == 1 else values[0]


def _cut_texts(record: dict[str, Any]) -> Any:
    names = ("sku", "item_execution_result")
    return record | {name: record[name][:-1] for name in names if isinstance(record.get(name), str)}


def _unheard_of(record: dict[str, Any]) -> Any:
    return record | {"order_status": "WAIT_GROUP_SUCCESS"} if "order_status" in record else record


def _stale_amounts(record: dict[str, Any]) -> Any:
    return record | {name: "0" for name in ("amount", "amount_str") if name in record and "cent" in record}


_BENDS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "F01": _as_doubles,
    "F15": _unwrapped,
    "F16": _cut_texts,
    "F18": _unheard_of,
    "F21": _stale_amounts,
}
