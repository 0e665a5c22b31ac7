"""private_key_jwt, whatever is sent: each failure costs the same, none is ours, and nothing of it is logged."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from gateway.oauth.assertions import MAX_ASSERTION
from gateway.oauth.public_keys import MAX_KEYS, fitting
from tests.assertions import claims, key, signed
from tests.proving import EC, ask, give, here, proves, refused_unread
from tests.test_oauth import World

__all__ = ["here"]

# A21: what the work says


async def test_all_failures_cost_the_same_verifications(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can time who is registered, how, with how many keys, and of what type."""
    await give(here, "single", [key("EC", "only")])
    tried: list[int] = []
    verify = ECKey.get_op_key

    def counted(self: ECKey, operation: Any) -> Any:
        if operation == "verify":
            tried.append(1)
        return verify(self, operation)

    monkeypatch.setattr(ECKey, "get_op_key", counted)
    stranger = key("EC", None, 8)
    for id in ("nobody", "shop", "single", "batch", "strict"):
        for header in ({}, {"kid": "only"}, {"kid": "other"}):
            tried.clear()
            assert not await proves(here, signed({"alg": "ES256", **header}, claims(id), stranger))
            # One key operation was the stranger's own, to sign.
            assert len(tried) == MAX_KEYS


# Never a 5xx


@pytest.mark.parametrize(
    "part",
    [
        "[" * 5000,
        "{" * 3000,
        '{"a":' * 1500,
        "5",
        "null",
        '"alg"',
        '["alg"]',
        '["alg","b64"]',
        "",
        "\x00",
        "é",
        "{}",
    ],
)
@pytest.mark.parametrize("place", ["header", "payload"])
async def test_no_json_is_too_odd_to_be_refused(here: World, part: str, place: str) -> None:
    """Among them what is nested more deeply than Python can read."""
    made = signed(part, claims(), key("EC"), "ES256") if place == "header" else signed(EC, part, key("EC"))
    assert not await refused_unread(here, made)


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c",
        "...",
        "..",
        ".",
        "a",
        "é.é.é",
        "\x00",
        "a.b.c.d.e",
        '"',
        "\\",
        "\r\nX: y",
        "=.=.=",
        "x" * 20_000,
        "\ud7ff",
    ],
)
async def test_no_text_is_too_odd_to_be_refused(here: World, text: str) -> None:
    assert (await ask(here, text)).status_code == 400


async def test_an_assertion_has_a_size(here: World) -> None:
    """CVE-2025-61920: what is long costs time to read, and no library writes so much."""
    fits = claims(more="x" * 5000)
    assert len(signed(EC, fits, key("EC"))) < MAX_ASSERTION
    assert await proves(here, signed(EC, fits, key("EC")))
    assert not await proves(here, signed(EC, claims(more="x" * MAX_ASSERTION), key("EC")))
    assert not await proves(here, signed({**EC, "kid": "x" * 4000}, claims(), key("EC")))


async def test_no_assertion_is_in_the_log(here: World, caplog: pytest.LogCaptureFixture) -> None:
    """A20: one that was refused may still be good elsewhere."""
    caplog.set_level("DEBUG")
    good, bad = signed(EC, claims(), key("EC")), signed(EC, claims(aud="https://else.example"), key("EC"))
    assert await proves(here, good)
    assert not await proves(here, bad)
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "SELECT" in said, "the capture does not work"
    for part in (*good.split(".")[1:], *bad.split(".")[1:]):
        assert part not in said


def test_an_rsa_key_that_is_too_short_is_not_even_made_for_nobody() -> None:
    """The keys that stand for nobody's are as strong as any, or they would be faster."""
    [*nobodys] = fitting(None, "PS256", None)
    assert len(nobodys) == MAX_KEYS
    assert all(isinstance(each, RSAKey) and each.public_key.key_size == 2048 for each in nobodys)
