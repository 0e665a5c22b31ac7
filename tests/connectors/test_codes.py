"""Codes of partners' refusals: callers are told them, so what is no code but a text goes no further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from connectors.alibaba.tokens import _read
from connectors.bank import lists
from connectors.mailru import answers
from gateway.connector import Answer, PartnerError

TEXT = "There is no Ivan Petrov, ivan@mail.ru"


def _granted(answer: Answer) -> Any:
    return _read("/auth/token/create", answer)


@pytest.mark.parametrize(
    ("accept", "status", "member"),
    [(answers.accept, 401, "code"), (lists.accept, 400, "error"), (_granted, 200, "error")],
    ids=["mailru", "bank", "alibaba"],
)
def test_a_text_in_the_place_of_a_code_is_not_told(
    accept: Callable[[Answer], Any], status: int, member: str
) -> None:
    for said, code in ((TEXT, None), ("x" * 1_000, None), ("invalid_token", "invalid_token")):
        with pytest.raises(PartnerError) as refused:
            accept(Answer(status, {}, orjson.dumps({member: said})))
        assert refused.value.code == code
