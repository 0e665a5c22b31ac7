"""Screenshots for README, of the demo as a visitor finds it: `make screenshots` writes them to docs/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway.demo.setting import free_port
from tests.graphiql.browser import Visit, chromium, visiting

DOCS = Path(__file__).parent.parent.parent / "docs"
HOUSEHOLDS = 300

REFUSED = """\
# The fund asks for more than it may.
query TooMuch($id: ID!) {
  fundReport(quarter: "2017Q4") {
    nav { amount currency }
    positions { shareholder stake }
  }
  client(id: $id) {
    region
    profile { name }
  }
}
"""


@contextmanager
def demo(state: Path) -> Iterator[dict[str, Any]]:
    """What `demo.json` says of a demo that runs, once all has been pulled."""
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(free_port())]
    environment = {**os.environ, "GATEWAY_STATE": str(state)}
    process = subprocess.Popen(
        [*command, "--households", str(HOUSEHOLDS)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        # It is said last, when everything is in.
        if not any("were found" in line for line in process.stdout):
            raise RuntimeError("the demo did not start")
        yield json.loads((state / "demo.json").read_text())
    finally:
        process.terminate()
        process.wait()


def enter(window: Visit, about: dict[str, Any], party: str) -> None:
    """The person of a party signs in."""
    [person] = [each for each in about["users"] if each["party"] == party]
    window.open()
    window.sign_in(person["id"], person["password"])
    window.page.wait_for_selector(".graphiql-query-editor .view-line")


def keep(window: Visit, name: str) -> None:
    """Write down what there is to see, when the page is at rest."""
    window.page.wait_for_timeout(1500)
    window.page.screenshot(path=DOCS / name)


def main() -> None:
    """Take them all."""
    DOCS.mkdir(exist_ok=True)
    with TemporaryDirectory() as state, demo(Path(state)) as about, chromium() as browser:
        origin = about["graphql"].removesuffix("/graphql")
        with visiting(browser, origin) as window:
            enter(window, about, "ALIBABA")
            window.page.get_by_role("button", name="Clients in Moscow").click()
            window.run()
            keep(window, "graphiql-alibaba.png")
        with visiting(browser, origin) as window:
            enter(window, about, "RDIF")
            window.write(REFUSED, '{"id": "somebody"}')
            window.run()
            window.page.get_by_role("button", name="Explain why").click()
            window.page.wait_for_selector(".access .refused")
            keep(window, "graphiql-refused.png")
        with visiting(browser, origin, color_scheme="dark") as window:
            enter(window, about, "MAILRU")
            window.page.get_by_role("button", name="What clients paid on AliExpress").click()
            window.run()
            window.page.get_by_role("button", name="Explain access").click()
            window.page.wait_for_selector(".access .verdict")
            keep(window, "graphiql-explained.png")


if __name__ == "__main__":
    main()
