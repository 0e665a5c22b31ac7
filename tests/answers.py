"""Answers: what of them is an operation's data, and what they say beside."""

from __future__ import annotations

from typing import Any


def data_of(body: Any) -> Any:
    """The data of an answer without errors, which has nothing else but what it cost: no more than was estimated."""
    assert body.keys() == {"data", "extensions"}, body
    assert body["extensions"].keys() == {"cost"}
    cost = body["extensions"]["cost"]
    assert cost.keys() == {"estimated", "actual"}
    assert 0 <= cost["actual"] <= cost["estimated"]
    return body["data"]
