"""What was used of late, kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was not used for longest; threads may share it.

    It has `size` values at most, which weigh `room` together; one that alone weighs more is not kept.
    """

    def __init__(self, size: int, room: int) -> None:
        self._size = size
        self._room = room
        self._held = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def find(self, key: K) -> V | None:
        """The value of a key, if it is there."""
        with self._lock:
            kept = self._values.get(key)
            if kept is None:
                return None
            self._values.move_to_end(key)
            return kept[0]

    def get(self, key: K, make: Callable[[], V], weight: int) -> V:
        """The value of a key, made if it is not there. What `make` raises is not kept."""
        found = self.find(key)
        if found is not None:
            return found
        made = make()
        with self._lock:
            self._keep(key, made, weight)
        return made

    def _keep(self, key: K, value: V, weight: int) -> None:
        if weight > self._room:
            return
        # Another thread may have made it too.
        self._held += weight - self._values.get(key, (value, 0))[1]
        self._values[key] = value, weight
        while len(self._values) > self._size or self._held > self._room:
            _, (_, freed) = self._values.popitem(last=False)
            self._held -= freed
