"""The ceiling (d): the same uvicorn answers constant bytes, the size of a screen's answer, and does nothing else.

`python -m benchmarks.constant PORT FOLDER`; POST /Home answers what stands in Home.json there.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plain
from benchmarks.plain import Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Constant:
    """The ASGI application: bytes by path."""

    answers: dict[str, bytes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the body, answer the bytes."""
        if scope["method"] != "GET":
            await plain.body(receive)
        await plain.answer(send, self.answers.get(scope["path"], b"ready"))


def main() -> None:
    """Read the answers once and serve them."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    answers = {f"/{file.stem}": file.read_bytes() for file in folder.glob("*.json")}
    plain.run(plain.serve(Constant(answers), port=port))


if __name__ == "__main__":
    main()
