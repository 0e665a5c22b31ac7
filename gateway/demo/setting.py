"""Setting: the demo's world in its folder, the partners' sandboxes at work, and the settings that lead to them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.connector import Connector
from gateway.errors import SettingsError

WORLD = "world"
TRUTH = "truth.json"
FORM = 2
"""Which form the sandboxes' books have. Count it up where older books will not do, and they are all made anew."""

_HEAD = "# Written by the demo: the partners' sandboxes and the keys they accept.\n"
_PATIENCE = 30.0


def furnish(
    state: Path,
    connectors: Sequence[Connector],
    watch: Callable[[str, int, int], None],
    households: int | None = None,
) -> Path:
    """The folder with what the sandboxes serve; made at the first call, which takes some seconds.

    `households` limits whose purchases are taken. What a later connector serves is added, of the same households.
    """
    folder = state / WORLD
    marker = folder / "furnished.json"
    made = _made(marker)
    done = made["connectors"] if made.get("form") == FORM else []
    lacking = [each for each in connectors if each.furnish is not None and each.name not in done]
    if not lacking:
        return folder
    # The data's packages take a second to import and are not there outside the demo.
    from gateway.demo.world import World

    folder.mkdir(parents=True, exist_ok=True)
    if made:
        households = len(set(json.loads((state / TRUTH).read_text()).values()))
    doing = ""
    world = World.complete_journey(households, lambda done, total: watch(doing, done, total))
    for connector in lacking:
        assert connector.furnish is not None
        doing = connector.name
        connector.furnish(world, folder)
    # The truth lies beside the sandboxes' folder, out of their reach.
    (state / TRUTH).write_text(json.dumps(world.truth()))
    done = [*done, *(each.name for each in lacking)]
    marker.write_text(json.dumps({"newest": world.last.isoformat(), "form": FORM, "connectors": done}))
    return folder


def _made(marker: Path) -> dict[str, Any]:
    """What was furnished; nothing where the demo was ended before it could say so."""
    try:
        found: dict[str, Any] = json.loads(marker.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def write_settings(state: Path, connectors: Sequence[Connector]) -> None:
    """`settings.toml` that leads to sandboxes on loopback ports, with keys made for this state folder alone.

    Where there is one, what it lacks is added, as for a connector that came later, and the rest stays as it is. Raises
    `SettingsError` where nothing can be added.
    """
    path = state / "settings.toml"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    there = tomllib.loads(old).get("connectors", {})
    text, whole = old, dict(there)
    for connector in connectors:
        known = there.get(connector.name, {})
        if connector.sandbox is not None and (lacking := _lacking(connector, known)):
            text = _with(text, connector.name, lacking)
            whole[connector.name] = known | lacking
    if text != old:
        _check(path, text, whole)
        _write(path, text)


def _lacking(connector: Connector, known: Mapping[str, str]) -> dict[str, str]:
    """The settings that a connector's sandbox needs and that are not there, with new values."""
    found = {name: secrets.token_urlsafe(24) for name in connector.settings if name not in known}
    return found if "url" in known else {"url": f"http://127.0.0.1:{free_port()}", **found}


def _with(text: str, name: str, values: Mapping[str, str]) -> str:
    """The settings with more of them for a connector, in its table or in a new one."""
    lines = "".join(f'{key} = "{value}"\n' for key, value in values.items())
    header = re.search(rf"^\[connectors\.{re.escape(name)}\].*\n", text, re.MULTILINE)
    if header is None:
        return f"{text.rstrip()}\n[connectors.{name}]\n{lines}"
    return text[: header.end()] + lines + text[header.end() :]


def _check(path: Path, text: str, expected: Mapping[str, Any]) -> None:
    """Raises `SettingsError` where the text does not say what it should: TOML has more ways than one to write it."""
    try:
        if tomllib.loads(text)["connectors"] == expected:
            return
    except ValueError:
        pass
    raise SettingsError(
        f"{path} lacks settings that the demo needs; write each connector as [connectors.NAME]"
    )


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


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
