"""Node: a script beside this file that plays its scenarios, once."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"

# Whatever Node or a library has to say about how it is used counts as a failure.
STRICT = ("--throw-deprecation", "--unhandled-rejections=strict", "--trace-warnings")


def needs_node() -> None:
    """Skip where software for Node cannot run."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not MODULES.is_dir():
        pytest.skip("the clients for Node are not installed; `make test` does it where npm is there")


def run(*command: str, folder: Path = HERE, given: Any = None, seconds: float = 120) -> str:
    """What a program says that ends well and complains about nothing."""
    done = subprocess.run(
        command, cwd=folder, input=json.dumps(given), capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(script: str, given: Any) -> Any:
    """What came of the scenarios of a script."""
    needs_node()
    return json.loads(run("node", *STRICT, script, given=given))
