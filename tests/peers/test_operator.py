"""What the operator hands out works as it is: from the command line into a partner's library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.peers.conftest import Peers
from tests.peers.peer import Refused, address, by_key
from tests.peers.served import QUERY, Served, checked, key

RIGHTS = ("--party", "ALIBABA", "--scope", "clients:read", "--purpose", "analytics")
ASKED: dict[str, Any] = {"parameters": {"scope": "clients:read"}}


def command(served: Served, *arguments: str) -> Any:
    """What `gateway app` says to a machine, beside the gateway that serves."""
    environment = {**os.environ, "GATEWAY_STATE": str(served.settings.state)}
    found = subprocess.run(
        [sys.executable, "-m", "gateway", "app", *arguments, "--json"],
        env=environment,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(found.stdout)


def test_a_secret_goes_from_the_command_line_into_a_library_and_back(served: Served, peers: Peers) -> None:
    """And no further than the operator wants: from one second to the next its tokens end, and no more are given."""
    added = command(served, "add", "handed-out", "--name", "Handed out", *RIGHTS)
    given = {"id": added["id"], "method": "client_secret_basic", "secret": added["secret"], **ASKED}
    done = peers["openid-client"].ask("client_credentials", **address(served), **given)
    checked(done["answer"])
    command(served, "disable", "handed-out")
    with pytest.raises(Refused):
        peers["openid-client"].ask("client_credentials", **address(served), **given)
    time.sleep(1.2)
    headers = {"Authorization": f"Bearer {done['tokens']['access_token']}"}
    assert served.http.post("/graphql", json={"query": QUERY}, headers=headers).status_code == 401


def test_a_public_key_goes_from_a_file_into_the_gateway(served: Served, peers: Peers, tmp_path: Path) -> None:
    """In PEM, which has no room for the key's id; the library names none then."""
    (tmp_path / "key.pem").write_bytes(key("ES256", "from-pem").as_pem(private=False))
    about = ("--name", "From PEM", "--public-key", str(tmp_path / "key.pem"))
    command(served, "add", "from-pem", *about, *RIGHTS)
    given = {**by_key("from-pem", "ES256", named=False), **ASKED}
    checked(peers["openid-client"].ask("client_credentials", **address(served), **given)["answer"])
