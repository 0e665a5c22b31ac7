"""What the tests in Chromium share: one browser, and one gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest

from gateway.settings import Settings
from tests.graphiql.browser import Visit, chromium, visiting
from tests.graphiql.served import serving

Visiting = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of a gateway that listens."""
    with serving(tmp_path_factory.mktemp("graphiql")) as settings:
        yield settings


@pytest.fixture(scope="module")
def browser(served: Settings) -> Iterator[Any]:
    """Chromium. It comes after the gateway, for it has an event loop in this thread, beside which no other can run."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def visit(browser: Any, served: Settings) -> Visiting:
    """Opens a window of its own on the gateway."""
    return partial(visiting, browser, served.origin)
