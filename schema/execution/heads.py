"""What the headers of a usual request say, read once for all requests that say the same.

Most headers are those of a program in its setting and come again with every request; a few belong to one member or to
one request. So the first are remembered together, and the others are looked at each time.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from backend.core import locale
from backend.core.locale import Locale
from backend.infra.clients import Client, Clients
from schema import negotiation
from schema.execution.policy import Audience
from schema.http import audience_named

MAX_KEPT: Final = 1_024
MAX_KEPT_BYTES: Final = 4_096  # of the headers of one program

# Of one member or one request; they are never part of what is remembered.
_OWN: Final = frozenset(
    {b"content-length", b"authorization", b"traceparent", b"tracestate", b"forwarded"}
    | {b"x-forwarded-for", b"x-real-ip", b"x-request-id"}
)
_JSON_BODIES: Final = frozenset({b"application/json", b"application/json; charset=utf-8"})
# Whoever sends one of these is served behind: compressed bodies, other sites' pages.
_UNUSUAL: Final = frozenset({b"content-encoding", b"transfer-encoding", b"origin", b"expect"})
_NAMES: Final = (b"x-client-name", b"apollographql-client-name")
_VERSIONS: Final = (b"x-client-version", b"apollographql-client-version")

_Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What the requests of one program in one setting have in common: `kind` is the media type of the answer."""

    kind: str
    language: Locale
    client: Client
    audience: Audience


class Heads(NamedTuple):
    """What the headers of a usual request say: the body's length, and the bearer's token where there is one."""

    profile: Profile
    length: int
    token: str | None
    is_traced: bool


class HeadReader:
    """Reads headers for one process."""

    def __init__(self, clients: Clients, max_body_bytes: int) -> None:
        self._clients = clients
        self._max_body_bytes = max_body_bytes
        self._most_digits = len(str(max_body_bytes))
        self._profiles: dict[_Headers, Profile | None] = {}

    def read(self, headers: list[tuple[bytes, bytes]]) -> Heads | None:
        """What they say; None for a request that the application should look at."""
        own: dict[bytes, bytes] = {}
        alike: list[tuple[bytes, bytes]] = []
        for header in headers:
            if header[0] in _OWN:
                own[header[0]] = header[1]
            else:
                alike.append(header)
        if len(own) + len(alike) < len(headers):  # one of them comes twice
            return None
        key = tuple(alike)
        try:
            profile = self._profiles[key]
        except KeyError:
            profile = self._learn(key)
        length = own.get(b"content-length", b"")
        if profile is None or not length.isdigit() or len(length) > self._most_digits:
            return None
        size, bearer = int(length), own.get(b"authorization")
        if size > self._max_body_bytes:
            return None
        if bearer is None:
            return Heads(profile, size, None, b"traceparent" in own)
        if bearer[:7].lower() != b"bearer ":
            return None
        return Heads(profile, size, bearer[7:].decode("latin-1").strip(), b"traceparent" in own)

    def _learn(self, headers: _Headers) -> Profile | None:
        profile = _profile(headers, self._clients)
        if sum(len(name) + len(value) for name, value in headers) <= MAX_KEPT_BYTES:
            if len(self._profiles) >= MAX_KEPT:
                self._profiles.clear()
            self._profiles[headers] = profile
        return profile


def _profile(headers: _Headers, clients: Clients) -> Profile | None:
    found = dict(headers)
    if len(found) < len(headers) or not _UNUSUAL.isdisjoint(found):
        return None
    kind = negotiation.media_type(_text(found.get(b"accept")))
    if kind is None or found.get(b"content-type") not in _JSON_BODIES:
        return None
    name = _first(found, _NAMES)
    return Profile(
        kind=kind,
        language=locale.negotiate(_text(found.get(b"accept-language"))),
        client=clients.of(name, _first(found, _VERSIONS)),
        audience=audience_named(name),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _first(found: dict[bytes, bytes], names: tuple[bytes, ...]) -> str | None:
    return next((found[name].decode("latin-1") for name in names if found.get(name)), None)
