"""Nothing is measured before all variants have given the same answers to a sample of the requests."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg
import httpx

from benchmarks import statements
from benchmarks.refusals import Refused
from benchmarks.screens import Screen
from benchmarks.variants import TITLES, Server

SAMPLE: Final = 60
_TRIES: Final = 3  # between two answers a shop may open
_SHOWN_CHARACTERS: Final = 120
_SECONDS: Final = 30

Request = tuple[str, bytes]


def canonical(content: bytes | str) -> str:
    """An answer's JSON in one form; the order of keys counts, `35.0` is 35. Raises Refused for none."""
    try:
        answer = json.loads(content, parse_float=_number)
    except ValueError:
        raise Refused(f"This is no JSON: {content[:_SHOWN_CHARACTERS]!r}") from None
    if not isinstance(answer, dict) or set(answer) != {"data"}:
        raise Refused(f"This is no answer without errors: {content[:500]!r}")
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def check_servers(
    screen: Screen, servers: Sequence[Server], requests: Mapping[Server, Sequence[Request]]
) -> list[bytes]:
    """Ask every server the same; gives the first one's answers. Raises Refused where two differ."""
    kept = []
    with httpx.Client(timeout=_SECONDS, trust_env=False) as client:
        for number in _spread(len(requests[servers[0]])):
            for left in reversed(range(_TRIES)):
                answers = [_ask(client, each, screen, requests[each][number]) for each in servers]
                forms = [canonical(answer) for answer in answers]
                if len(set(forms)) == 1:
                    break
                if not left:
                    raise Refused(f"{screen.name} differs: {_first_difference(servers, forms)}")
            kept.append(answers[0])
    return kept


async def check_batches(url: str, screen: Screen, rows: Sequence[tuple[object, ...]]) -> None:
    """Hold the statement for many requests against the one for one. Raises Refused where they differ."""
    sample = [rows[number] for number in _spread(len(rows))]
    connection = await asyncpg.connect(url, server_settings=statements.SESSION)
    try:
        one = await connection.prepare(statements.prepared(screen))
        singly = [await one.fetchval(*row) for row in sample]
        columns = [list(column) for column in zip(*sample, strict=True)]
        together = await connection.fetch(statements.batched(screen), *columns)
    finally:
        await connection.close()
    if [row["answer"] for row in together] != singly:
        raise Refused(f"{screen.name}: sixteen requests a statement answer otherwise than one.")


def _ask(client: httpx.Client, server: Server, screen: Screen, request: Request) -> bytes:
    token, body = request
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    answer = client.post(server.url(screen.name), content=body, headers=headers)
    if answer.status_code != httpx.codes.OK:
        raise Refused(
            f"{TITLES[server.variant]} answers {answer.status_code}: {answer.text[:_SHOWN_CHARACTERS]}"
        )
    return answer.content


def _spread(count: int) -> range:
    """Places of a sample, spread over a list."""
    return range(0, count, max(1, count // SAMPLE))


def _number(written: str) -> float:
    number = float(written)
    return int(number) if number.is_integer() else number


def _first_difference(servers: Sequence[Server], forms: Sequence[str]) -> str:
    other = next(place for place, form in enumerate(forms) if form != forms[0])
    pairs = zip(forms[0], forms[other], strict=False)
    at = next((n for n, (left, right) in enumerate(pairs) if left != right), 0)
    begin = max(0, at - _SHOWN_CHARACTERS // 2)
    shown = [form[begin : begin + _SHOWN_CHARACTERS] for form in (forms[0], forms[other])]
    names = (TITLES[servers[0].variant], TITLES[servers[other].variant])
    return "; ".join(f"{name} says …{text}…" for name, text in zip(names, shown, strict=True))
