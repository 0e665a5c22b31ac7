"""Setting: the demo's world in its folder, the partners' sandboxes at work, and the settings that lead to them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from gateway.connector import Connector
from gateway.errors import SettingsError

WORLD = "world"
TRUTH = "truth.json"
_PATIENCE = 30.0


def furnish(
    state: Path,
    connectors: Sequence[Connector],
    watch: Callable[[str, int, int], None],
    households: int | None = None,
) -> Path:
    """The folder with what the sandboxes serve; made at the first call, which takes some seconds.

    `households` limits whose purchases are taken.
    """
    folder = state / WORLD
    marker = folder / "furnished.json"
    if marker.exists():
        return folder
    # The data's packages take a second to import and are not there outside the demo.
    from gateway.demo.world import World

    folder.mkdir(parents=True, exist_ok=True)
    doing = ""
    world = World.complete_journey(households, lambda done, total: watch(doing, done, total))
    for connector in connectors:
        if connector.furnish is not None:
            doing = connector.name
            connector.furnish(world, folder)
    # The truth lies beside the sandboxes' folder, out of their reach.
    (state / TRUTH).write_text(json.dumps(world.truth()))
    marker.write_text(json.dumps({"newest": world.last.isoformat()}))
    return folder


def write_settings(state: Path, connectors: Sequence[Connector]) -> None:
    """`settings.toml` that leads to sandboxes on loopback ports, with keys made for this state folder alone."""
    path = state / "settings.toml"
    if path.exists():
        return
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines: list[str] = ["# Written by the demo: the partners' sandboxes and the keys they accept.\n"]
    for connector in connectors:
        if connector.sandbox is not None:
            lines.append(f'[connectors.{connector.name}]\nurl = "http://127.0.0.1:{free_port()}"\n')
            lines += [f'{name} = "{secrets.token_urlsafe(24)}"\n' for name in connector.settings]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(lines))


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def sandboxes(addresses: dict[str, str], log: Path) -> AsyncIterator[None]:
    """The sandboxes of these connectors at work, each a process of its own; they end with the block.

    Raises `SettingsError` when one does not come up, or has an address without a port.
    """
    ports = {name: sandbox_port(name, url) for name, url in addresses.items()}
    with log.open("ab") as output:
        processes = {name: _start(name, port, output.fileno()) for name, port in ports.items()}
        try:
            await asyncio.gather(
                *(_until_up(name, ports[name], each, log) for name, each in processes.items())
            )
            yield
        finally:
            for process in processes.values():
                process.terminate()
            for process in processes.values():
                await asyncio.to_thread(process.wait)


def sandbox_port(name: str, url: str) -> int:
    """The port that a connector's sandbox listens on. Raises `SettingsError` where its address names none."""
    try:
        port = urlsplit(url).port
    except ValueError:
        port = None
    if not port:
        raise SettingsError(
            f"url in [connectors.{name}] must name the port of its sandbox, as http://127.0.0.1:8001"
        )
    return port


def _start(name: str, port: int, output: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway", "sandbox", name, "--port", str(port), "--until-stdin-ends"]
    # A session of its own, for Ctrl-C is for the demo, which then ends them in order. Should the demo be killed,
    # their standard input ends with it, and so do they.
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
    )


async def _until_up(name: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not await asyncio.to_thread(_answers, port):
            if process.poll() is not None:
                raise SettingsError(f"the sandbox {name} did not start; see {log}")
            await asyncio.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
