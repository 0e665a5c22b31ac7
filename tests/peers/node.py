"""Node: a peer written in JavaScript, in a process of its own, which plays the scenarios it is asked for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.peers.peer import Refused

HERE = Path(__file__).parent

# Whatever Node or a library has to say about how it is used counts as a failure.
STRICT = ("--throw-deprecation", "--unhandled-rejections=strict", "--trace-warnings")


class NodePeer:
    """A running script, spoken to in lines of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, scenario: str, **given: Any) -> Any:
        """What came of it. Raises `Refused` with what the script threw."""
        assert self._process.stdin
        assert self._process.stdout
        name = re.sub("_(.)", lambda found: found[1].upper(), scenario)
        self._process.stdin.write(json.dumps({"scenario": name, "given": given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the script has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]


def needs_node() -> None:
    """Skip where software for Node cannot run."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    # npm writes it when it is done.
    if not (HERE / "node_modules" / ".package-lock.json").is_file():
        pytest.skip("the peers for Node are not installed; `make test` does it where npm is there")


@contextmanager
def running(script: str, remarks: str | None = None) -> Iterator[NodePeer]:
    """A script beside this file at work, which has nothing to complain about but for lines of `remarks`."""
    needs_node()
    process = subprocess.Popen(
        ["node", *STRICT, str(HERE / script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield NodePeer(process)
    finally:
        _, complaints = process.communicate(timeout=20)
    complaints = [line for line in complaints.splitlines() if remarks is None or remarks not in line]
    assert (process.returncode, complaints) == (0, [])
