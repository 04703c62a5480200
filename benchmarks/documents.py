"""How this server takes a trusted document: by its id where it knows it, else by the text."""

import hashlib

import httpx
import orjson

from benchmarks import screens
from benchmarks.members import Caller
from benchmarks.screens import Screen
from benchmarks.variants import Server

_SECONDS = 10


def find_id(server: Server, screen: Screen, caller: Caller) -> str | None:
    """The id under which the server answers the document; None where it has to be sent as text."""
    document_id = f"sha256:{hashlib.sha256(screen.document.encode()).hexdigest()}"
    answer = httpx.post(
        server.url(screen.name),
        content=screens.body(screen, caller.at, document_id=document_id),
        headers={"authorization": f"Bearer {caller.token}", "content-type": "application/json"},
        timeout=_SECONDS,
        trust_env=False,
    )
    is_known = answer.status_code == httpx.codes.OK and "data" in orjson.loads(answer.content)
    return document_id if is_known else None
