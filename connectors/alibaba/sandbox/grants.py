"""Grants: the pairs of tokens that the partner has given out, and how codes and refresh tokens become new ones.

As the partner documents it: `/auth/token/create` and `/auth/token/refresh` of IOP (signed, flat answers with a code
of "0"), `/token` of TOP (a form that holds the secret), and that refreshing gives a new pair. Modelled: that the
pair before it is dead from then on, the refusals of TOP's `/token`, and that a code is good once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from secrets import token_hex
from uuid import uuid4

from connectors.alibaba.sandbox.admission import IOP, CallError, Parameters, Settings, admit, system_call

Record = dict[str, object]

LIFETIME = 2_592_000
REFRESHABLE = 5_184_000


class Grants:
    """What the partner accepts: the pair that the operator was given, and every pair that came of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._access = {settings["access_token"]}
        self._refresh = {settings["refresh_token"]: settings["access_token"]} if _has(settings) else {}
        self._codes = {code for code in [settings.get("code")] if code}

    def holds(self, token: str) -> bool:
        """Whether an access token is good."""
        return token in self._access

    def expire_all(self) -> None:
        """End every access token, where there is a way to another."""
        if self._refresh:
            self._access.clear()

    def create(self, parameters: Parameters) -> Record:
        """A pair for a code. Raises `CallError`."""
        code = parameters.get("code", "")
        if code not in self._codes:
            raise CallError(type="ISV", code="InvalidCode", msg="The specified code is invalid or expired")
        self._codes.discard(code)
        return self._pair()

    def refresh(self, parameters: Parameters) -> Record:
        """A new pair for a refresh token; the old one is dead. Raises `CallError`."""
        before = self._refresh.pop(parameters.get("refresh_token", ""), None)
        if before is None:
            raise CallError(
                type="ISV",
                code="IllegalRefreshToken",
                msg="The specified refresh token is invalid or expired",
            )
        self._access.discard(before)
        return self._pair()

    def system_call(self, path: str, parameters: Parameters, now: float) -> Record:
        """IOP's answer at `/rest<path>`: flat, and with `message` where `/sync` says `msg`."""
        answer = {"/auth/token/create": self.create, "/auth/token/refresh": self.refresh}.get(path)
        try:
            if answer is None:
                raise IOP.refusal("method")
            admit(system_call(path), parameters, self._settings, now)
            body = answer(parameters) | {"code": "0"}
        except CallError as error:
            body = dict(error.body)
            body["message"] = body.pop("msg")
        return body | {"request_id": uuid4().hex, "_trace_id_": uuid4().hex}

    def form(self, parameters: Parameters) -> Record:
        """TOP's answer at `/token`: OAuth 2 with the application's secret in the form."""
        known = all(
            parameters.get(name) == self._settings[setting]
            for name, setting in {"client_id": "app_key", "client_secret": "app_secret"}.items()
        )
        kinds = {"authorization_code": self.create, "refresh_token": self.refresh}
        answer = kinds.get(parameters.get("grant_type", ""))
        if not known or answer is None:
            return {"error": "invalid_client" if not known else "unsupported_grant_type"}
        try:
            return answer(parameters)
        except CallError:
            return {"error": "invalid_grant"}

    def _pair(self) -> Record:
        access, refresh = f"50000{token_hex(16)}", f"50001{token_hex(16)}"
        self._access.add(access)
        self._refresh[refresh] = access
        now = time.time_ns() // 1_000_000
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": LIFETIME,
            "refresh_expires_in": REFRESHABLE,
            "expire_time": now + LIFETIME * 1000,
            "refresh_token_valid_time": now + REFRESHABLE * 1000,
            "account_platform": "seller_center",
            "user_id": "200042362",
            "user_nick": "cn1500000017",
            "sp": "ae",
            "locale": "zh_CN",
        }


def _has(settings: Mapping[str, str]) -> bool:
    return bool(settings.get("refresh_token"))
