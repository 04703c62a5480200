"""A text message provider that misbehaves on request: `python -m tests.support.sms_gateway`.

It prints its port. The path says how it answers; GET /requests tells what it was sent, as JSON lines.
"""

import contextlib
import http.server
import json
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAKEN = b'{"return": {"status": 200}, "entries": [{"messageid": 7}]}'


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the gateway got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway."""

    url: str

    def requests(self) -> list[Asked]:
        """Everything it was sent, in order."""
        with urllib.request.urlopen(f"{self.url}/requests") as answer:  # noqa: S310 - our own http://127.0.0.1
            return [Asked(**each) for each in json.load(answer)]


@contextlib.contextmanager
def running() -> Iterator[Gateway]:
    """A gateway in a process of its own, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.sms_gateway"], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield Gateway(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.communicate()


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by the path's first part."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, object]]
    counts: Counter[str]
    lock: threading.Lock

    def do_GET(self) -> None:
        if self.path == "/requests":
            with self.lock:
                self.answer(200, json.dumps(self.asked).encode())
            return
        self.do_POST()

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        with self.lock:
            self.asked.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": self.rfile.read(length).decode(),
                }
            )
            self.counts[self.path] += 1
            number = self.counts[self.path]
        behaviour = self.path.removeprefix("/").partition("/")[0].partition("?")[0]
        getattr(self, f"be_{behaviour}")(number)

    def be_ok(self, _number: int) -> None:
        self.answer(200, TAKEN)

    def be_declined(self, _number: int) -> None:
        self.answer(200, b'{"return": {"status": 418}}')

    def be_garbage(self, _number: int) -> None:
        self.answer(200, b"<html>\xff welcome")

    def be_endless(self, _number: int) -> None:
        self.answer(200, b"[" * 200_000)

    def be_broken(self, _number: int) -> None:
        self.answer(500, b"")

    def be_broken_once(self, number: int) -> None:
        self.answer(500 if number == 1 else 200, TAKEN)

    def be_busy(self, _number: int) -> None:
        self.answer(429, b"")

    def be_busy_once(self, number: int) -> None:
        self.answer(429 if number == 1 else 200, TAKEN)

    def be_busy_for_long(self, _number: int) -> None:
        self.answer(429, b"", **{"Retry-After": "3600"})

    def be_broken_then_busy(self, number: int) -> None:
        self.answer(503 if number == 1 else 429, b"")

    def be_forbidden(self, _number: int) -> None:
        self.answer(403, b"")

    def be_elsewhere(self, _number: int) -> None:
        self.answer(302, b"", Location="/ok")

    def be_slow(self, _number: int) -> None:
        """Say nothing until the client has gone."""
        self.connection.recv(1)
        self.close_connection = True

    def be_dripping(self, _number: int) -> None:
        """Begin an answer that never ends: a byte whenever the client might give up."""
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.connection.settimeout(0.02)
        while True:
            try:
                self.wfile.write(b"[")
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True

    def be_cut(self, _number: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"[")
        self.close_connection = True

    def be_owner(self, _number: int) -> None:
        self.answer(200, b'{"result": {"matched": true}}')

    def be_stranger(self, _number: int) -> None:
        self.answer(200, b'{"result": {"matched": false}}')

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def main() -> None:
    Answers.asked, Answers.counts, Answers.lock = [], Counter(), threading.Lock()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
