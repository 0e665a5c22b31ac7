"""Books for all tests of faults, made once: few purchases, and yet lists of several pages at each partner."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.discovery import discover
from tests.faults.base import FewPurchases


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every partner's sandbox finds what it serves."""
    folder = tmp_path_factory.mktemp("books")
    for each in discover():
        assert each.furnish is not None
        each.furnish(FewPurchases(), folder)  # type: ignore[arg-type]
    return folder
