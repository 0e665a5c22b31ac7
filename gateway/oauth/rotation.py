"""Rotation: a signing key is published before it signs and after it has signed, so that nobody refuses a good token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from gateway.oauth.keyfile import SigningKey, State, drafted, fresh, locked, read
from gateway.oauth.metadata import MAX_AGE
from gateway.oauth.tokens import LIFETIME

SLACK = 60
"""Seconds for clocks that differ, and for workers to notice a changed file."""

PUBLISHED = MAX_AGE + SLACK
"""Seconds that a next key is published before it may sign: by then no one holds a set of keys without it."""

RETIRED = LIFETIME + SLACK
"""Seconds that a retired key stays published: by then all that it signed has expired."""


class Change(NamedTuple):
    """A key that went from one state to another; `was` is None for a new one."""

    kid: str
    was: State | None
    now: State


class Rotation(NamedTuple):
    """What a rotation did, and the keys there are after it."""

    changes: Sequence[Change]
    keys: Sequence[SigningKey]

    @property
    def due(self) -> int | None:
        """When the step after this one may be done; None where it is up to the operator."""
        return min((key.due for key in self.keys if key.due is not None), default=None)


def unrecorded(_: Rotation) -> None:
    """Keep no record of a rotation."""


def rotate(path: Path, now: int, age: int = 0, record: Callable[[Rotation], None] = unrecorded) -> Rotation:
    """Do the step of the rotation that is due, if one is: forget the retired key whose time is over, and then let the
    next key sign where it was published for long enough, or publish one where the current key is `age` seconds old.

    `now` is seconds since the epoch. Run at any time and as often as one likes, it breaks nothing. What `record` is
    told is done once it returns, and not if it raises: no key changes without a record. Only who is killed right then
    leaves a record of what was not done.
    """
    with locked(path):
        before = read(path)
        after = _turned([key for key in before if key.state_at(now) is not State.GONE], now, age)
        return _changed(path, before, after, record) if after != before else Rotation([], after)


def replace_all(path: Path, now: int, record: Callable[[Rotation], None] = unrecorded) -> Rotation:
    """Let a new key sign at once and forget all others, for they may be known to others, the next one with them.

    Every token that was issued is refused from now on, and whoever keeps a set of keys refuses the new tokens until
    it asks again, `MAX_AGE` seconds at most. `record` is that of `rotate`.
    """
    with locked(path):
        return _changed(path, read(path), [fresh(State.CURRENT, now)], record)


def _changed(
    path: Path, before: list[SigningKey], after: list[SigningKey], record: Callable[[Rotation], None]
) -> Rotation:
    done = Rotation(_changes(before, after), after)
    with drafted(path, after):
        record(done)
    return done


def _turned(keys: list[SigningKey], now: int, age: int) -> list[SigningKey]:
    [current] = [key for key in keys if key.state is State.CURRENT]
    waiting = next((key for key in keys if key.state is State.NEXT), None)
    if waiting is None:
        young = age > 0 and now - current.since < age
        return keys if young else [*keys, fresh(State.NEXT, now, now + PUBLISHED)]
    if waiting.due is None or now < waiting.due:
        return keys
    retired = replace(current, state=State.RETIRED, since=now, due=now + RETIRED)
    signing = replace(waiting, state=State.CURRENT, since=now, due=None)
    return [signing, retired, *(key for key in keys if key not in (current, waiting))]


def _changes(before: Sequence[SigningKey], after: Sequence[SigningKey]) -> list[Change]:
    was, now = ({key.kid: key.state for key in keys} for keys in (before, after))
    moved = [Change(kid, was.get(kid), state) for kid, state in now.items() if was.get(kid) is not state]
    return moved + [Change(kid, state, State.GONE) for kid, state in was.items() if kid not in now]
