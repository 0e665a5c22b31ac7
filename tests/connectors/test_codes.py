"""Partners' refusals: their codes are told to callers, and their waits kept to; so neither may be just anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from connectors.alibaba.tokens import _read
from connectors.bank import lists
from connectors.mailru import answers, pandao
from gateway.connector import Answer, Kind, PartnerError

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


ENDLESS = "9" * 400


@pytest.mark.parametrize("said", [ENDLESS, "\xb2", "86401"])
@pytest.mark.parametrize("accept", [pandao.accept, lists.accept, answers.accept])
def test_nobody_waits_longer_than_a_day(accept: Callable[[Answer], Any], said: str) -> None:
    """Whatever a partner says; a moment without an end could not be written down."""
    body = orjson.dumps({"remaining": {said: 0}})
    with pytest.raises(PartnerError) as refused:
        accept(Answer(429, {"retry-after": said}, body))
    wait = refused.value.retry_after
    assert refused.value.kind is Kind.THROTTLED
    assert wait is None or 0 <= wait <= 86_400
