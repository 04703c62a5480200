"""A demo in a process of its own: started, read, signalled and ended by tests."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEADLINE_SECONDS = 170.0  # on a busy machine the demo's data alone take a minute
CHILDREN = ("api", "worker", "postgres", "valkey")


@dataclass(slots=True)
class RunningDemo:
    """A demo in a process of its own; reads what it prints."""

    process: "subprocess.Popen[bytes]"
    data_dir: Path
    port: int
    output: str = field(default="")

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Read until it has printed that."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.output.count(text) < times:
            remaining = deadline - time.monotonic()
            assert remaining > 0, f"never printed {text!r}:\n{self.output}"
            if select.select([self.process.stdout], [], [], remaining)[0]:
                chunk = os.read(self.process.stdout.fileno(), 65536)
                assert chunk, f"ended before printing {text!r}:\n{self.output}"
                self.output += chunk.decode()

    def ready(self) -> "RunningDemo":
        self.wait_for("Wipe")
        return self

    def pid(self, name: str) -> int:
        return int((self.data_dir / "pids" / name).read_text().split()[0])

    def pids(self) -> list[int]:
        return [self.pid(name) for name in CHILDREN]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; gives its exit code."""
        rest, _ = self.process.communicate(timeout=DEADLINE_SECONDS)
        self.output += rest.decode()
        return self.process.returncode

    def answer(self) -> int:
        """The pid that the API says."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/pid", timeout=DEADLINE_SECONDS
        ) as response:
            return int(response.read())


@contextlib.contextmanager
def started(
    command: list[str], *, data_dir: Path, port: int, environment: Mapping[str, str] | None = None
) -> Iterator[RunningDemo]:
    """Run the command; it is told to stop at the end, where it still runs."""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    ) as process:
        try:
            yield RunningDemo(process, data_dir, port)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(DEADLINE_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
