"""An audience that the partner took and never gets ready: it is said, and nobody asks for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from connectors.mailru.sandbox.user_lists import STEPS
from gateway.activations import desk, work
from gateway.activations.activations import activations
from tests.audiences import LISTS, agency


async def test_a_list_that_never_gets_ready_stalls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day after it was sent; the partner's own word for where it stays is kept, and it was sent once."""
    monkeypatch.setattr(work, "PAUSE", 0.02)
    monkeypatch.setattr(desk, "PAUSE", 0.02)
    async with agency(tmp_path) as house:
        house.stand.app.state.user_lists.held_at = "mapping"
        made = await house.activated()
        row = await house.until("PROCESSING")
        for each in house.stand.lists.values():
            each.step = STEPS.index("mapping")
        async with house.gateway.writing() as connection:
            await connection.execute(update(activations).values(sent_at=row.sent_at - 90_000))
        await house.until("STALLED")
        seen = await house.seen(made["id"])
        assert (seen["state"], seen["partnerState"]) == ("STALLED", "mapping")
        assert house.stand.calls[f"POST {LISTS}"] == 1
