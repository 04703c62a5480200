"""Which program asks, by the name and the version that it gives itself, in few enough words for limits and metrics.

A name is no proof: whatever is counted by it can be counted for another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHER: Final = "other"
NONE: Final = "none"
MAX_VERSIONS: Final = 20  # of a client; more are counted as `other`
MAX_KEPT: Final = 4_096  # pairs of headers that are remembered
MAX_KEPT_CHARACTERS: Final = 100  # of such a pair

# Major, minor and patch at the most: builds and suffixes are too many to be told apart.
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,2}")


class Client(NamedTuple):
    """A program: one of the known names, `other` or `none`, and a version of the same kind."""

    name: str
    version: str


class Clients:
    """Knows the programs of the settings; remembers what headers meant."""

    def __init__(self, names: Iterable[str]) -> None:
        self._versions: dict[str, set[str]] = {name: set() for name in names}
        self._kept: dict[tuple[str | None, str | None], Client] = {}

    def of(self, name: str | None, version: str | None) -> Client:
        """The client of these headers; None where one was not sent."""
        found = self._kept.get((name, version))
        if found is None:
            found = self._client(name, version)
            if len(name or "") + len(version or "") <= MAX_KEPT_CHARACTERS:
                if len(self._kept) >= MAX_KEPT:
                    self._kept.clear()
                self._kept[name, version] = found
        return found

    def _client(self, name: str | None, version: str | None) -> Client:
        if not name:
            return Client(NONE, NONE)
        versions = self._versions.get(name)
        if versions is None:
            return Client(OTHER, NONE)
        if not version:
            return Client(name, NONE)
        if version not in versions:
            if len(versions) >= MAX_VERSIONS or _VERSION.fullmatch(version) is None:
                return Client(name, OTHER)
            versions.add(version)
        return Client(name, version)
