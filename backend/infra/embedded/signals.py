"""Signals as something to wait for, so that nothing is interrupted at a random line."""

import os
import select
import signal
from types import FrameType
from typing import Self

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Counts the requests to stop while the context is open; wakes its waiter, also when a child ends.

    Main thread only.
    """

    def __init__(self) -> None:
        self.requests = 0
        self._reader, self._writer = -1, -1
        self._previous_writer = -1
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._previous_writer = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (*_STOPPING, signal.SIGCHLD):
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave, or None from C
        signal.set_wakeup_fd(self._previous_writer)
        os.close(self._reader)
        os.close(self._writer)

    def fileno(self) -> int:
        """Readable as soon as a signal arrives."""
        return self._reader

    def wait(self, timeout_seconds: float | None) -> None:
        """Sleep until a signal arrives, at most that long."""
        readable, _, _ = select.select([self._reader], [], [], timeout_seconds)
        if readable:
            os.read(self._reader, 4096)

    def _note(self, number: int, _: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.requests += 1
