"""Processes of the gateway's own: real ones, to be killed and raced, that need not import everything each time."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from gateway.__main__ import main

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
"""A server that has imported the command line, and forks a process for whoever asks."""


def forked(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A process that runs a function of this module, begun."""
    process = CONTEXT.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def command(state: Path, *arguments: str) -> None:
    """What `python -m gateway` does, with this state folder."""
    os.environ["GATEWAY_STATE"] = str(state)
    sys.argv = ["gateway", *arguments]
    main()
