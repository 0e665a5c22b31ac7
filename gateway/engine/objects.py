"""Objects: completed by what is selected of them, those of an interface type by type."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import compress
from operator import eq
from typing import Any, Protocol

from graphql import GraphQLError, GraphQLInterfaceType

from gateway.engine.batch import type_names
from gateway.engine.completion import Column, Recorder, Site, failed, missing, put, split
from gateway.engine.places import Place, Some


class LevelSelection(Protocol):
    """What is selected of one object type."""

    waits: bool

    async def run(self, run: Any, parents: Column, place: Place) -> Column:
        """One dict, or FAILED, per parent."""


class ObjectOf:
    """Completes objects of one type."""

    def __init__(self, selection: LevelSelection, site: Site) -> None:
        self.selection = selection
        self._site = site
        self.waits = selection.waits

    async def complete(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """See `Completer`."""
        out, present = split(run, values, self._site, place, required)
        if len(present) == len(values):
            return await self.selection.run(run, values, place)
        chosen = [values[index] for index in present]
        put(out, present, await self.selection.run(run, chosen, Some(place, present)))
        return out


class AbstractOf:
    """Completes objects of an interface: each object type's values together.

    `selections` has what is selected of each possible type; None for a type the caller may not see. Of these,
    `refused` has the errors of those that the document names.
    """

    def __init__(
        self,
        interface: GraphQLInterfaceType,
        selections: Mapping[str, LevelSelection | None],
        site: Site,
        refused: Mapping[str, GraphQLError],
    ) -> None:
        self.interface = interface
        self.selections = selections
        self.refused = refused
        self._site = site
        self.waits = any(selection.waits for selection in selections.values() if selection)

    async def complete(self, run: Recorder, values: Column, place: Place, required: bool) -> Column:
        """See `Completer`."""
        out, present = split(run, values, self._site, place, required)
        by_type = self._by_type(run, values, place, present, out, required)
        if len(by_type) == 1:
            [(selection, indices)] = by_type.values()
            if len(indices) == len(values):
                return await selection.run(run, values, place)
        filling = (
            _fill(run, selection, values, place, indices, out) for selection, indices in by_type.values()
        )
        if self.waits:
            await asyncio.gather(*filling)
        else:
            for each in filling:
                await each
        return out

    def _by_type(
        self, run: Recorder, values: Column, place: Place, present: list[int], out: list[Any], required: bool
    ) -> dict[str, tuple[LevelSelection, list[int]]]:
        chosen = values if len(present) == len(values) else [values[index] for index in present]
        names: Sequence[Any]
        kinds: Sequence[Any]
        try:
            names = type_names(self.interface, chosen)
            if len(names) != len(chosen):
                raise TypeError(f"{self.interface} gave {len(names)} type names for {len(chosen)} values")
            kinds = list(dict.fromkeys(names))
        except Exception as error:
            names, kinds = [error] * len(chosen), [error]
        by_type: dict[str, tuple[LevelSelection, list[int]]] = {}
        for name in kinds if present else ():
            indices = present
            if len(kinds) > 1:
                indices = list(compress(present, map(partial(eq, name), names)))
            selection = self.selections.get(name)
            if selection is not None:
                by_type[name] = (selection, indices)
                continue
            for index in indices:
                out[index] = self._without(run, name, place, index, required)
        return by_type

    def _without(self, run: Recorder, name: Any, place: Place, index: int, required: bool) -> Any:
        """What stands for a value whose type is unknown, or not for this caller to see."""
        if name in self.selections:
            return missing(run, self._site, place, index) if required else None
        error = name
        if not isinstance(name, Exception):
            error = GraphQLError(
                f"Runtime Object type '{name}' is not a possible type for '{self.interface}'."
            )
        return failed(run, error, self._site, place, index)


async def _fill(
    run: Recorder, selection: LevelSelection, values: Column, place: Place, indices: list[int], out: list[Any]
) -> None:
    chosen = [values[index] for index in indices]
    put(out, indices, await selection.run(run, chosen, Some(place, indices)))
