"""Logs: one JSON object a line, with the id of the request; no token, no argument, no person's datum."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.leaving import leaving
from gateway.telemetry import tracing
from gateway.telemetry.notes import begin_notes
from gateway.telemetry.spans import note_status, request_span

logger = logging.getLogger("gateway.requests")

_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and what was given as `extra`.

    Exceptions are written as their type and place; their text may hold anything.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": _written_time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= tracing.ids()
        line |= record.told if isinstance(record, Told) else _extra(record)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = [f"{f.filename}:{f.lineno} {f.name}" for f in _frames(record.exc_info[2])]
        return _written(line)


class Told(logging.LogRecord):
    """A record of level INFO that says what it is `told`, and nothing of where: there is one for each request.

    What `logging` itself gathers for a record, and looks for in `extra`, takes four times as long.
    """

    def __init__(self, logger: str, message: str, told: Mapping[str, Any]) -> None:
        created = time.time()
        self.__dict__ = {**_USUAL, "name": logger, "msg": message, "created": created, "told": told}

    told: Mapping[str, Any]


_USUAL = logging.makeLogRecord({"levelno": logging.INFO, "levelname": "INFO"}).__dict__


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _FIELDS}


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def _written_time(moment: float) -> str:
    """A moment in ISO 8601, to the millisecond; the second is worked out once for all that is of it."""
    seconds, milliseconds = divmod(int(moment * 1000), 1000)
    return f"{_second(seconds)}.{milliseconds:03d}+00:00"


def _written(line: Mapping[str, Any]) -> str:
    """The line as JSON in ASCII, so that no character in it ends the line."""
    try:
        found = orjson.dumps(line, default=str, option=orjson.OPT_PASSTHROUGH_DATACLASS)
        if found.isascii():
            return found.decode()
    except TypeError:
        pass
    # Five times slower, but it writes anything.
    return json.dumps(line, default=str, skipkeys=True, separators=(",", ":"))


def _frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return traceback.extract_tb(trace)[-5:]


def place(error: BaseException) -> str:
    """Where an exception was raised, as `file:line`; its text may hold a person's data, this does not."""
    frames = _frames(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"


def configure(level: int = logging.INFO) -> None:
    """Send the logs of this process to standard error; below INFO only the gateway's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    # At DEBUG, libraries write what passes through them: statements with their values, whole tokens.
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    logging.getLogger("gateway").setLevel(level)
    # uvicorn's access log has the query string.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Otherwise a message that does not fit its arguments is printed with all of them.
    logging.raiseExceptions = False
    # What no line says need not be found out for each of them (logging's documentation, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class RequestLog:
    """ASGI middleware: gives each request an id, logs how it ended, and turns what escaped into a 500 without words."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = os.urandom(16).hex()
        if tracing.tracer is None:
            await self._answer(scope, receive, send)
            return
        with request_span(scope) as span:
            note_status(span, await self._answer(scope, receive, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        """The status that the request was answered with, 0 where there was nobody to answer."""
        identity, began, notes = scope["request_id"], time.perf_counter(), begin_notes()
        status = 0

        async def pass_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", identity.encode())]
                if leaving.begun:
                    # So that nobody is on a connection when it ends (RFC 9112, 9.6).
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, pass_on)
        except Exception:
            logger.exception("unhandled", extra={"request_id": identity})
            if status:
                raise
            await _fail(pass_on, identity)
        finally:
            milliseconds = round((time.perf_counter() - began) * 1000, 2)
            told = {"request_id": identity, "method": scope["method"], "status": status, **notes}
            _tell("request", {**told, "milliseconds": milliseconds})
        return status


@contextmanager
def operation_logged(request_id: str, who: Mapping[str, str]) -> Iterator[None]:
    """Log how an operation ended that is not alone in its request, but one of those of a WebSocket."""
    notes, began = begin_notes(), time.perf_counter()
    try:
        yield
    except asyncio.CancelledError:
        notes.setdefault("outcome", "cancelled")
        raise
    finally:
        milliseconds = round((time.perf_counter() - began) * 1000, 2)
        told = {"request_id": request_id, **who, **notes, "milliseconds": milliseconds}
        _tell("operation", told)


def _tell(message: str, told: Mapping[str, Any]) -> None:
    if logger.isEnabledFor(logging.INFO):
        logger.handle(Told(logger.name, message, told))


async def _fail(send: Send, identity: str) -> None:
    error = {
        "message": "The gateway failed. Tell its operator the id in `extensions`.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": identity},
    }
    body = orjson.dumps({"errors": [error]})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
