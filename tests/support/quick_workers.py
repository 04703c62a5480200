"""A quick start for the worker processes of a membership file that is imported by the test's own process."""

import multiprocessing
from multiprocessing.context import ForkServerContext
from types import SimpleNamespace

import pytest

from backend.members import file_workers
from tests.support import member_workers

_PRELOADED = [file_workers.__name__, member_workers.__name__]


def start_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the workers from a process that has imported what they need, and nothing else: 10 ms each, not a second.

    They are processes of their own as ever, and know nothing of the test's.
    """

    def get_context(_method: str) -> ForkServerContext:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        return context

    monkeypatch.setattr(file_workers, "multiprocessing", SimpleNamespace(get_context=get_context))
