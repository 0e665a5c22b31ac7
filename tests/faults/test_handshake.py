"""A partner whose TLS handshake is never answered, asked by the gateway's own connections."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.connector import Kind, PartnerError, Request, Terms, Upstream
from tests.faults.street import street


async def test_a_handshake_that_stalls_is_given_up(books: Path) -> None:
    """After the deadline of a try, with an error that may pass."""
    with street(books) as partners:
        partners.tell("fund", "tls-stall")
        url = partners.address.replace("http:", "https:")
        began = time.monotonic()
        async with Upstream("fund", {"url": url}, Terms(deadline=0.3)) as upstream:
            with pytest.raises(PartnerError, match=r"^no answer from fund") as caught:
                await upstream.send(Request("GET", "/fund/drop/index.json"))
        assert caught.value.kind is Kind.TRANSIENT
        assert 0.3 <= time.monotonic() - began < 5
        assert partners.struck("fund") == 1
