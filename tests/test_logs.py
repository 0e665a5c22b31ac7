"""Logs: every line is JSON, every request is found by its id, and nothing of a person, a caller or a key is in them."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.access.agreements import CONTRACT
from gateway.logs import JsonFormatter, configure, place
from gateway.oauth.applications import Known, add
from gateway.schema import declared_schema
from gateway.store.database import writer
from tests.conftest import Gateway
from tests.door import Door, filled

PERSON = {
    "name": "Канарейка Иванова",
    "email": "canary.person@mail.example",
    "phone": "+79161112233",
    "region": "RU-CANARY",
    "product": "Canary seeds",
    "account": "ALIBABA:ADA",
}
SENT = {
    "literal": "canary-literal",
    "variable": "canary-variable",
    "comment": "canary comment",
    "alias": "canary_alias",
    "unknown field": "canaryField",
    "unknown operation": "CanaryOperation",
    "address": "canary-in-the-address",
    "header": "canary-in-a-header",
    "body": "canary-in-a-broken-body",
    "client": "canary-client",
    "wrong secret": "canary-wrong-secret",
    "forged token": "canary.forged.token",
}

logger = logging.getLogger("gateway.test")

SCOPES = ["clients:read", "clients:pii", "alibaba:read"]

QUERY = """# canary comment
query Loyal($id: ID!) {
  canary_alias: client(id: "canary-literal") { id }
  node(id: $id) { id }
  clients(first: 50) { nodes { region profile { name email phone } orders { nodes { id lines { name } } } } }
}"""


@dataclass
class Day:
    """What a gateway was asked, and what it wrote of it."""

    lines: list[str] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    returncode: int | None = None

    def records(self, message: str) -> list[dict[str, Any]]:
        """The log's records of this message."""
        return [each for each in map(json.loads, self.lines) if each["message"] == message]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def application(state: Path) -> str:
    """An application of Alibaba's in the database; its secret."""
    database = writer(state / "gateway.db")
    known = Known(set(CONTRACT.parties), set(declared_schema().scopes), set(CONTRACT.purposes))
    async with database.begin() as connection:
        found = await add(connection, "shop", "Shop", "ALIBABA", SCOPES, ["analytics"], known)
    await database.dispose()
    return found


def personal(state: Path) -> None:
    """Give every client of the small world the person's data."""
    with closing(sqlite3.connect(state / "gateway.db")) as database, database:
        contacts = (PERSON["name"], PERSON["email"], PERSON["phone"])
        database.execute("UPDATE profiles SET name = ?, email = ?, phone = ?", contacts)
        database.execute("UPDATE accounts SET region = ?", [PERSON["region"]])
        database.execute("UPDATE order_lines SET name = ?", [PERSON["product"]])


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A day of `gateway serve`: good requests, bad ones, failures within, and its end."""
    state = tmp_path_factory.mktemp("day")
    used, port, found = asyncio.run(filled(state)), free_port(), Day()
    personal(state)
    secret = asyncio.run(application(state))
    command = [sys.executable, "-m", "gateway", "serve", "--port", str(port)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "GATEWAY_STATE": str(state)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            until_up(client)
            door = Door(used, port, client)
            token = ask_for_tokens(door, secret, found)
            ask(door, token, found)
            with closing(sqlite3.connect(used.database)) as database:
                database.execute("DROP TABLE order_lines")
            ask(door, token, found)
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=10)
    found.lines, found.returncode = errors.decode().splitlines(), process.returncode
    assert output == b""
    return found


def until_up(client: httpx.Client, seconds: float = 60) -> None:
    """Wait until the gateway answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            assert client.get("/healthz").status_code == 200
            return
        except httpx.ConnectError:
            assert time.monotonic() < end
            time.sleep(0.05)


def ask_for_tokens(door: Door, secret: str, day: Day) -> str:
    """A token in the right way, after some wrong ones."""
    grant = {"grant_type": "client_credentials"}
    pairs = [("shop", SENT["wrong secret"]), (SENT["client"], secret), ("shop", secret)]
    for pair in pairs:
        day.answers.append(door.client.post("/oauth/token", data=grant, auth=pair))
        day.secrets[f"basic {pair[0]} {len(day.secrets)}"] = base64.b64encode(
            ":".join(pair).encode()
        ).decode()
    form = {**grant, "client_id": "shop", "client_secret": secret, "scope": SENT["literal"]}
    day.answers.append(door.client.post("/oauth/token", data=form))
    token: str = day.answers[2].json()["access_token"]
    day.secrets |= {"secret": secret, "token": token, "signature": token.rpartition(".")[2]}
    return token


def ask(door: Door, token: str, day: Day) -> None:
    """Operations good and bad, with something in each that nobody else should read."""
    bodies: list[Any] = [
        {"query": QUERY, "variables": {"id": f"AlibabaOrder:{SENT['variable']}"}, "operationName": "Loyal"},
        {"query": '{ clients(first: -1, filter: {region: "canary-literal"}) { totalCount } }'},
        {"query": f"{{ {SENT['unknown field']} }}"},
        {"query": "{ caller { party } }", "operationName": SENT["unknown operation"]},
        {
            "query": "query ($a: Int) { clients(first: $a) { totalCount } }",
            "variables": {"a": SENT["variable"]},
        },
        f'{{"query": "{SENT["body"]}'.encode(),
    ]
    for body in bodies:
        headers = {"cookie": SENT["header"], "user-agent": SENT["header"]}
        day.answers.append(door.post(body, authorization=f"Bearer {token}", **headers))
    forged = door.post({"query": QUERY}, authorization=f"Bearer {SENT['forged token']}")
    elsewhere = door.client.get(f"/{SENT['address']}", params={"access_token": token})
    day.answers += [forged, elsewhere]


def test_the_day_was_a_real_one(day: Day) -> None:
    """The persons' data was asked for and given out; some requests failed in each way there is."""
    statuses = [answer.status_code for answer in day.answers]
    assert statuses[:4] == [401, 401, 200, 400]
    once = [200, 200, 200, 200, 200, 400, 401, 404]
    assert statuses[4:] == once * 2
    whole, broken = day.answers[4], day.answers[4 + len(once)]
    for value in (PERSON[name] for name in ("name", "email", "phone", "region", "product")):
        assert value in whole.text
    assert "errors" not in whole.json()
    assert {each["extensions"]["code"] for each in broken.json()["errors"]} == {"INTERNAL_SERVER_ERROR"}


def test_it_ended_cleanly_when_it_was_told_to(day: Day) -> None:
    """SIGTERM ends it by that signal, or with 0; the last line is a request's, not a traceback's."""
    assert day.returncode in (0, -signal.SIGTERM)
    assert day.lines[-1] == json.dumps(day.records("request")[-1], separators=(",", ":"))


def test_each_line_is_json(day: Day) -> None:
    """With its moment, level, logger and message."""
    for line in day.lines:
        record = json.loads(line)
        assert datetime.fromisoformat(record["time"]).tzinfo is not None
        assert {"level", "logger", "message"} <= record.keys()


def test_nothing_of_persons_callers_or_keys_is_in_the_log(day: Day) -> None:
    """No name, address, number or product; no argument, alias or address; no token, secret or credentials."""
    whole = "\n".join(day.lines)
    for what, value in {**PERSON, **SENT, **day.secrets}.items():
        assert value not in whole, what
        assert json.dumps(value)[1:-1] not in whole, what


def test_each_request_is_found_by_its_id(day: Day) -> None:
    """The id in `X-Request-Id` is in one line that says how the request ended."""
    ended = {record["request_id"]: record for record in day.records("request")}
    assert len(ended) == len(day.records("request"))
    for answer in day.answers:
        record = ended[answer.headers["x-request-id"]]
        assert (record["status"], record["method"]) == (answer.status_code, answer.request.method)
    assert len({answer.headers["x-request-id"] for answer in day.answers}) == len(day.answers)


def test_an_operation_is_told_with_who_asked_and_how_long_it_took(day: Day) -> None:
    """Party, application, purpose, the operation's own name, and the number of errors."""
    [first, *_] = [each for each in day.records("request") if each.get("operation") == "Loyal"]
    assert first["request_id"] == day.answers[4].headers["x-request-id"]
    assert (first["party"], first["application"], first["purpose"]) == ("ALIBABA", "shop", "analytics")
    assert (first["type"], first["outcome"], first["errors"]) == ("query", "ok", 0)
    assert first["milliseconds"] > 0


def test_a_masked_error_is_found_by_its_id(day: Day) -> None:
    """With the kind of exception and its place, and the id of the request it happened in."""
    broken = day.answers[4 + 8]
    ids = {error["extensions"]["id"] for error in broken.json()["errors"]}
    records = [each for each in day.records("masked error") if each["error_id"] in ids]
    assert len(records) == len(ids)
    for record in records:
        assert record["level"] == "ERROR"
        assert record["kind"] == "OperationalError"
        assert record["request_id"] == broken.headers["x-request-id"]
        assert record["where"].rpartition(":")[2].isdecimal()


# The form of a line


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to the log, as `configure` sets it up at DEBUG, until the test's end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure(logging.DEBUG)
    found = io.StringIO()
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(found)
    yield found
    logging.raiseExceptions = True
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("gateway").setLevel(logging.NOTSET)


async def test_at_debug_the_log_shows_no_more_of_persons(written: io.StringIO, gateway: Gateway) -> None:
    """Libraries that write values at DEBUG are held back."""
    logger.debug("ours is not")
    personal(gateway.settings.state)
    token = gateway.token("ALIBABA")
    body = {"query": QUERY, "variables": {"id": f"AlibabaOrder:{SENT['variable']}"}}
    response = await gateway.post(body, token)
    assert PERSON["email"] in response.text
    grant = {"grant_type": "client_credentials"}
    await gateway.client.post("/oauth/token", data=grant, auth=("x", SENT["wrong secret"]))
    records = [json.loads(line) for line in written.getvalue().splitlines()]
    assert any(record["message"] == "ours is not" for record in records)
    # The test's own HTTP client tells the addresses it asks.
    ours = [str(record) for record in records if record["logger"] != "httpx"]
    for what, value in {**PERSON, **SENT, "token": token}.items():
        assert not any(value in record for record in ours), what


def test_a_line_is_one_line(written: io.StringIO) -> None:
    """Whatever is in the message, and whatever is given beside it."""
    logger.info("first\nsecond \u2028 %s", "third", extra={"party": "ALIBABA", "at": Path("x"), "n": {1, 2}})
    [line] = written.getvalue().splitlines()
    record = json.loads(line)
    assert record["message"] == "first\nsecond \u2028 third"
    assert (record["party"], record["at"], record["logger"]) == ("ALIBABA", "x", "gateway.test")


def test_an_exceptions_text_is_left_out(written: io.StringIO) -> None:
    """Its type and place say enough; the text may hold a person's data."""
    try:
        raise ValueError("canary.person@mail.example")
    except ValueError as error:
        logger.exception("unhandled")
        raised = place(error)
    found = written.getvalue()
    record = json.loads(found)
    assert record["exception"] == "ValueError"
    assert record["where"][-1].startswith(raised)
    assert raised.startswith(__file__)
    assert "canary" not in found


def test_a_record_that_cannot_be_written_as_json_is_no_failure() -> None:
    """Logging never ends a request."""
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "half a character: \ud800, %d", (5,), None)
    record.__dict__["large"] = 2**70
    record.__dict__["deep"] = {(1, 2): object()}
    assert json.loads(JsonFormatter().format(record))["logger"] == "x"
