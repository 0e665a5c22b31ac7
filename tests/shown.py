"""What shows a promise: a test by the name of its file and its own, held to be there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def tests_in(name: str) -> frozenset[str]:
    """The test functions of a file, `oauth_codes` for `test_oauth_codes.py` and `peers/dpop` for one in a folder."""
    folder, _, stem = name.rpartition("/")
    tree = ast.parse((HERE / folder / f"test_{stem}.py").read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def check(reference: str) -> None:
    """Hold a reference, `oauth_codes: a code is good for a minute`, to a test that there is."""
    file, _, promise = reference.partition(": ")
    assert "test_" + promise.replace(" ", "_") in tests_in(file), reference
