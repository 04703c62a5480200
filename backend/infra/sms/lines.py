"""The demo's sender: each message is a line of JSON in a file, which the person at the keyboard reads."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import orjson

from backend.core import clock
from backend.infra.sms import port

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o600  # the codes are in it


class JsonLinesSender:
    """Appends `{"to": "+989…", "text": "…", "at": "…"}` to a file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        """Take the file's path; it is made by the first message, in a folder that is there."""
        self._path = path

    async def send(self, *, to: str, text: str, message_id: str) -> None:
        """Append one line in one write, so that several processes may share the file."""
        del message_id
        at = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = orjson.dumps({"to": to, "text": text, "at": at}) + b"\n"
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            raise port.SmsNotSent(type(error).__name__) from error

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _append(self, line: bytes) -> None:
        file = os.open(self._path, _FLAGS, _MODE)
        try:
            if os.write(file, line) != len(line):
                raise OSError("the line was cut: the disk is full")
        finally:
            os.close(file)
