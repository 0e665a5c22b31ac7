"""Many guesses in one request, as crackql and batchql make them: one refusal, and little work."""

from __future__ import annotations

import pytest

from tests.door import Door, check, door

__all__ = ["door"]

ID = "R3Vlc3M"


def test_a_batch_of_a_thousand_guesses_is_one_refusal(door: Door) -> None:
    """An array of operations is none."""
    body = [{"query": f'{{ client(id: "{ID}{number}") {{ id }} }}'} for number in range(1_000)]
    check(door.post(body), 400, "BAD_REQUEST")


@pytest.mark.parametrize("count", [1_000, 200, 51])
def test_a_document_of_a_thousand_guesses_is_one_refusal(door: Door, count: int) -> None:
    """Aliases at the root are fields at the root, and those are fifty."""
    guesses = " ".join(f'a{number}: client(id: "{ID}{number}") {{ id }}' for number in range(count))
    body = door.post({"query": f"{{ {guesses} }}"}).json()
    assert body.keys() == {"errors"}
    [error] = body["errors"]
    assert error["extensions"]["code"] in (
        "ALIAS_LIMIT",
        "FIELD_LIMIT",
        "GRAPHQL_PARSE_FAILED",
        "ROOT_FIELD_LIMIT",
    )


def test_fifty_guesses_are_fifty_answers(door: Door) -> None:
    """No more, and each costs its part of the budget; so the test above could fail."""
    guesses = " ".join(f'a{number}: client(id: "{ID}{number}") {{ id }}' for number in range(50))
    answer = door.post({"query": f"{{ {guesses} }}"}).json()
    assert set(answer["data"].values()) == {None}
    assert answer["extensions"]["cost"]["estimated"] >= 50
