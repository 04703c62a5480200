"""Where a request comes from: bound once a request, read by what writes the trail."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's address as the outermost of our proxies saw it, and the session that asks."""

    address: str | None = None
    session_id: UUID | None = None


NOWHERE = Origin()  # a job, a command
_current: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def current() -> Origin:
    """Where the present request comes from."""
    return _current.get()


def bind(origin: Origin) -> None:
    """Say where the rest of this task's work comes from; each request is a task of its own."""
    _current.set(origin)
