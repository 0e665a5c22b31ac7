"""Calls of AliExpress's business methods: signed for the moment, sent, and told by their body what became of them.

Documented by the partner: query and form are merged for the signature; errors too come with HTTP 200; the root key
of a success is the method's name with underscores and `_response`. What the partner refuses before it has looked at
the business (a timestamp, a token that has expired) is mended and asked once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from connectors.alibaba.clocks import SKEWED, Clock, clock
from connectors.alibaba.profiles import Route, left, route
from connectors.alibaba.refusals import is_retired, refusal
from connectors.alibaba.signing import texts
from connectors.alibaba.tokens import EXPIRED, renewable, session
from gateway.connector import Answer, Kind, PartnerError, Request, Upstream

Found = Mapping[str, Any]
Judge = Callable[[Found], object]
Ask = Callable[[Callable[[], Request], Callable[[Answer], Found]], Awaitable[Found]]


async def call(
    upstream: Upstream,
    method: str,
    parameters: Mapping[str, object],
    *,
    judge: Judge = lambda found: None,
    shared: bool = False,
) -> Found:
    """What stands below the root key of the answer to a reading call. Raises `PartnerError`.

    `judge` raises it for what is no success by the method's own rule, for methods have rules of their own. Calls that
    are `shared` and the same, made at the same time, are one at the partner.
    """
    key = (method, orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS)) if shared else None

    def ask(token: str) -> Ask:
        # What was refused to one token is not known of another.
        return partial(upstream.read, key=(*key, hash(token)) if key else None)

    return await _authorised(ask, upstream, method, parameters, judge)


async def change(
    upstream: Upstream, method: str, parameters: Mapping[str, object], *, judge: Judge = lambda found: None
) -> Found:
    """The same of a call that changes something at the partner, and is never made twice unless it went unheard."""
    return await _authorised(lambda _: upstream.write, upstream, method, parameters, judge)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method, by one route, with one token."""

    route: Route
    settings: Mapping[str, str]
    clock: Clock
    method: str
    parameters: Mapping[str, object]
    token: str

    def signed(self) -> Request:
        """The request, signed for this moment."""
        profile = self.route.profile
        query = profile.system(self.settings["app_key"], self.method, self.clock.now())
        # The token is a secret, and addresses end up in the logs of whoever stands between.
        form = {profile.session: self.token, **texts(self.parameters)}
        query["sign"] = profile.sign({**query, **form}, self.settings["app_secret"])
        base = self.route.base
        return Request("POST", profile.path, query=query, form=form, name=self.method, base=base)


async def _authorised(
    ask: Callable[[str], Ask],
    upstream: Upstream,
    method: str,
    parameters: Mapping[str, object],
    judge: Judge,
) -> Found:
    """The answer to a call; once more where the partner knows our token no longer, or has left this protocol.

    So a list that is being read goes on at the page where the token ended.
    """
    settings = upstream.settings

    async def asked(taken: Route, token: str) -> Found:
        made = Call(taken, settings, clock(upstream), method, parameters, token)
        return await _timely(ask(token), made, judge)

    taken, token = route(settings), await session(upstream)
    try:
        return await asked(taken, token)
    except PartnerError as error:
        if error.kind is Kind.RETIRED and left(settings, taken):
            taken = route(settings)
        elif error.code in EXPIRED and renewable(settings):
            token = await session(upstream, refused=token)
        else:
            raise
    return await asked(taken, token)


async def _timely(ask: Ask, made: Call, judge: Judge) -> Found:
    """The answer to a call; once more where our clock was wrong, by the partner's own."""
    used = made.clock.offset

    def accept(answer: Answer) -> Found:
        try:
            found = accepted(made.method, answer)
        except PartnerError as error:
            if error.code in SKEWED:
                made.clock.learn(answer)
            raise
        judge(found)
        return found

    try:
        return await ask(made.signed, accept)
    except PartnerError as error:
        if error.code not in SKEWED or not made.clock.mends(used):
            raise
    return await ask(made.signed, accept)


def accepted(method: str, answer: Answer) -> Found:
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
        said = answer.body[:2_000].decode(errors="replace")
        if is_retired(said):
            raise PartnerError(Kind.RETIRED, "the partner has switched this protocol off") from None
        if said.lstrip().startswith("<?xml"):
            raise PartnerError(Kind.DRIFT, "the answer is XML, though JSON was asked for") from None
        raise
    if not isinstance(body, dict):
        raise PartnerError(Kind.DRIFT, "the answer is not a JSON object")
    return body
