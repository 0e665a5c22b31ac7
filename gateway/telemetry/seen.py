"""What telemetry sees of the engine's operations; it stands below the engine, and knows only this of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Plan(Protocol):
    """Knows its operation, a node of the document, and what was refused."""

    @property
    def operation(self) -> Any: ...

    @property
    def refusals(self) -> Sequence[object]: ...


class Prepared(Protocol):
    """An operation before it runs."""

    @property
    def plan(self) -> Plan: ...

    @property
    def cost(self) -> int: ...


class Result(Protocol):
    """An operation after it ran."""

    @property
    def data(self) -> object: ...

    @property
    def errors(self) -> Sequence[object]: ...

    @property
    def cost(self) -> int: ...

    @property
    def batches(self) -> int: ...
