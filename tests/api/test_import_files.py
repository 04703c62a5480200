"""The files of imports over HTTP: parts come up by PUT, reports go down by GET, and nobody else gets near them."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Scope

from backend import app
from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.permissions import Role
from backend.core.viewer import Scope as ViewerScope
from backend.imports import domain, repository, uploads
from backend.imports.domain import FileImport, ImportKind
from backend.infra import db as database
from backend.infra import edge, gate, health
from schema import import_files
from schema.import_files import ImportFiles
from tests.support import access, staff
from tests.support import api as support
from tests.support.api import Api, codes, unlimited
from tests.support.member_scene import NOON
from tests.support.operators import trail

CONTENT = bytes(range(256)) * 10
PART = 1_000
ORIGIN = "https://console.example"
Put = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(autouse=True)
async def at_noon(api: Api) -> AsyncIterator[None]:
    del api
    with clock.frozen(NOON):
        yield


async def signed_in(*roles: Role, scope: ViewerScope = staff.NATION) -> tuple[str, str]:
    """An operator's name in the trail, and the header that says who asks."""
    colleague = await staff.new_operator(*(roles or (Role.STORE_MANAGER,)), scope=scope)
    found = await staff.sign_in(colleague)
    return found.viewer.actor, f"Bearer {found.issued.access_token}"


async def begun(actor: str, content: bytes = CONTENT, *, part_bytes: int = PART) -> FileImport:
    return await repository.insert(
        kind=ImportKind.STORES,
        actor=actor,
        province_codes=None,
        file_name="stores.csv",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).digest(),
        part_bytes=part_bytes,
        month=None,
        expires_at=NOON + timedelta(hours=24),
    )


def path_of(found: FileImport, number: object = 0) -> str:
    return f"/imports/{GlobalId(domain.OBJECT, found.id).encode()}/parts/{number}"


def report_of(found: FileImport, which: str = "report") -> str:
    return f"/imports/{GlobalId(domain.OBJECT, found.id).encode()}/{which}.csv"


async def put(
    api: Api, found: FileImport, number: object, content: bytes, token: str | None, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        named["authorization"] = token
    return await api.client.put(path_of(found, number), content=content, headers=named)


async def kept() -> list[bytes]:
    rows = await database.fetch("SELECT sha256 FROM file_import_part ORDER BY number")
    return [row["sha256"] for row in rows]


def digests(*contents: bytes) -> list[bytes]:
    return [hashlib.sha256(content).digest() for content in contents]


async def test_a_file_comes_up_part_by_part(api: Api, tmp_path: Path) -> None:
    actor, token = await signed_in()
    found = await begun(actor)

    for number in (2, 0, 1, 0):
        response = await put(api, found, number, CONTENT[number * PART :][:PART], token)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["cache-control"] == "no-store"
        assert "x-request-id" in response.headers

    assert await uploads.missing_parts(found.id) == []
    await uploads.write_to(found.id, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == CONTENT


async def test_another_content_takes_the_place_of_the_first(api: Api) -> None:
    actor, token = await signed_in()
    found = await begun(actor)

    for content in (b"a" * PART, b"b" * PART):
        assert (await put(api, found, 1, content, token)).status_code == 204

    assert await kept() == digests(b"b" * PART)


async def test_the_same_part_sent_many_times_at_once_is_kept_once(api: Api) -> None:
    actor, token = await signed_in()
    found = await begun(actor)

    answers = await asyncio.gather(
        *(put(api, found, 0, bytes([n % 3]) * PART, token) for n in range(12))
    )

    assert {each.status_code for each in answers} == {204}
    (digest,) = await kept()
    assert digest in digests(*(bytes([n]) * PART for n in range(3)))


async def test_who_sends_no_token_is_not_known(api: Api) -> None:
    actor, _ = await signed_in()
    found = await begun(actor)

    for token in (None, "Bearer nonsense", "Basic abc"):
        response = await put(api, found, 0, CONTENT[:PART], token, accept_language="en")

        assert (response.status_code, codes(response)) == (401, ["UNAUTHENTICATED"])
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.headers["content-language"] == "en"
        (error,) = response.json()["errors"]
        assert error["extensions"]["traceId"] == response.headers["x-request-id"]
        assert error["extensions"]["hint"]
    assert await kept() == []


async def test_what_was_revoked_is_refused(api: Api) -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    await database.execute("UPDATE staff_session SET ended_at = now(), end_reason = 'REVOKED'")

    response = await put(api, found, 0, CONTENT[:PART], token)

    assert (response.status_code, codes(response)) == (401, ["UNAUTHENTICATED"])
    assert await kept() == []


async def test_an_import_of_somebody_else_is_not_there(api: Api) -> None:
    actor, _ = await signed_in()
    _, colleague = await signed_in()
    found = await begun(actor)
    member = f"Bearer {(await access.signed_in(await access.new_member())).access_token}"
    ids = (
        GlobalId(domain.OBJECT, found.id).encode(),
        GlobalId(domain.OBJECT, found.id + 1).encode(),
        GlobalId("Store", found.id).encode(),
        GlobalId(domain.OBJECT, found.id, 7).encode(),
        "nonsense",
    )

    for token in (colleague, member):
        for each in ids:
            response = await api.client.put(
                f"/imports/{each}/parts/0",
                content=CONTENT[:PART],
                headers={"authorization": token},
            )
            assert (response.status_code, codes(response)) == (404, ["NOT_FOUND"])
    assert await kept() == []


async def test_who_lost_the_right_meanwhile_is_refused(api: Api) -> None:
    actor, token = await signed_in(Role.AUDITOR)
    found = await begun(actor)

    response = await put(api, found, 0, CONTENT[:PART], token)

    assert (response.status_code, codes(response)) == (403, ["FORBIDDEN"])
    assert await kept() == []


async def test_an_import_that_was_started_takes_no_part(api: Api) -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    await database.execute(
        "UPDATE file_import SET state = 'QUEUED', started_at = now(), expires_at = NULL"
    )

    response = await put(api, found, 0, CONTENT[:PART], token)

    assert (response.status_code, codes(response)) == (409, ["FILE_IMPORT_STATE_REFUSES"])
    assert response.json()["errors"][0]["message"].startswith("این ورود پرونده")
    assert await kept() == []


@pytest.mark.parametrize(
    ("number", "size", "code", "told"),
    [
        (0, PART - 1, "FILE_PART_SIZE_INVALID", "exactly 1000 bytes"),
        (0, PART + 1, "FILE_PART_SIZE_INVALID", "exactly 1000 bytes"),
        (0, 0, "FILE_PART_SIZE_INVALID", "exactly 1000 bytes"),
        (2, PART, "FILE_PART_SIZE_INVALID", "exactly 560 bytes"),
        (0, 300_000, "FILE_PART_SIZE_INVALID", "exactly 1000 bytes"),
        (3, PART, "FILE_PART_NUMBER_INVALID", "0 to 2"),
        (-1, PART, "FILE_PART_NUMBER_INVALID", "0 to 2"),
        ("x", PART, "FILE_PART_NUMBER_INVALID", "0 to 2"),
        ("٠", PART, "FILE_PART_NUMBER_INVALID", "0 to 2"),
        ("9" * 30, PART, "FILE_PART_NUMBER_INVALID", "0 to 2"),
    ],
)
async def test_what_is_wrong_is_told_with_what_is_right(
    api: Api, number: object, size: int, code: str, told: str
) -> None:
    actor, token = await signed_in()
    found = await begun(actor)

    response = await put(api, found, number, b"x" * size, token, accept_language="en")

    assert (response.status_code, codes(response)) == (400, [code])
    assert told in response.json()["errors"][0]["message"]
    assert await kept() == []


async def test_a_part_may_be_as_large_as_parts_are_and_no_byte_larger(api: Api) -> None:
    actor, token = await signed_in()
    content = b"x" * (domain.PART_BYTES + 1)
    found = await begun(actor, content, part_bytes=domain.PART_BYTES)

    whole = await put(api, found, 0, content[:-1], token)
    larger = await put(api, found, 0, content, token)

    assert (whole.status_code, larger.status_code) == (204, 413)
    assert codes(larger) == ["BAD_REQUEST"]
    assert await kept() == digests(content[:-1])


@pytest.mark.parametrize("is_known", [True, False])
async def test_an_endless_body_is_cut_at_the_limit(api: Api, *, is_known: bool) -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    headers = {"authorization": token} if is_known else {}
    response = await api.client.put(path_of(found), content=endless(), headers=headers)

    assert response.status_code == 413
    assert sent <= domain.PART_BYTES + 2 * 65_536
    assert await kept() == []


async def test_other_routes_keep_their_limit(api: Api) -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    large = b"x" * 1_048_577

    assert (await api.post(large)).status_code == 413
    for method, path in (("POST", path_of(found)), ("PUT", f"{path_of(found)}/x"), ("PUT", "/")):
        response = await api.client.request(
            method, path, content=large, headers={"authorization": token}
        )
        assert response.status_code == 413


async def test_parts_are_put_and_reports_are_got(api: Api) -> None:
    actor, token = await signed_in()
    found = await begun(actor)

    for method, path in (
        ("GET", path_of(found)),
        ("POST", path_of(found)),
        ("PUT", report_of(found)),
        ("HEAD", report_of(found)),
    ):
        response = await api.client.request(method, path, headers={"authorization": token})
        assert response.status_code == 405
    assert (await api.client.get(report_of(found, "other"))).status_code == 404


def alone(files: ImportFiles) -> ASGIApp:
    """The routes behind the outer layers."""
    layers = edge.layers(drain=health.Drain(), production=False, uploads=import_files.PARTS)
    return Starlette(routes=files.routes(), middleware=layers)


async def answer_to(application: ASGIApp, path: str, token: str, *pieces: bytes) -> list[Message]:
    """What is answered to a client that sends these pieces, and then nothing, and does not go away."""
    scope: Scope = {
        "type": "http",
        "method": "PUT",
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"authorization", token.encode()), (b"accept-language", b"en")],
        "client": ("192.0.2.7", 1),
    }
    waiting = iter(pieces)
    answer: list[Message] = []

    async def receive() -> Message:
        piece = next(waiting, None)
        if piece is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message: Message) -> None:
        answer.append(message)

    await application(scope, receive, send)
    return answer


async def test_a_body_that_does_not_come_in_time_is_given_up() -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    application = alone(ImportFiles(gate.open_gate(), body_seconds=0.01))

    start, body = await answer_to(application, path_of(found), token, b"x" * 10)

    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert b'"code":"BODY_TOO_SLOW"' in body["body"]
    assert await kept() == []


async def test_a_place_of_a_slow_body_is_free_again_and_who_finds_none_comes_later() -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    files = ImportFiles(
        gate.open_gate(), body_seconds=0.01, place_seconds=0.01, places=asyncio.Semaphore(1)
    )
    start, _ = await answer_to(alone(files), path_of(found), token)
    assert start["status"] == 408

    async with files.places:
        response = await put_to(files, found, token)

    assert (response.status_code, codes(response)) == (503, ["UNAVAILABLE"])
    assert response.headers["retry-after"] == "10"
    assert await kept() == []


async def test_an_operator_does_not_take_all_places() -> None:
    (slow, slow_token), (quick, quick_token) = await signed_in(), await signed_in()
    files = ImportFiles(gate.open_gate(), place_seconds=0.01)

    async with contextlib.AsyncExitStack() as held:
        for _ in range(import_files.PARTS_OF_ONE):
            await held.enter_async_context(files.place(slow))
        refused = await put_to(files, await begun(slow), slow_token)
        taken = await put_to(files, await begun(quick), quick_token)

    assert (refused.status_code, taken.status_code) == (503, 204)


async def put_to(files: ImportFiles, found: FileImport, token: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=alone(files))
    async with httpx.AsyncClient(transport=transport, base_url="http://club.test") as client:
        return await client.put(
            path_of(found), content=CONTENT[:PART], headers={"authorization": token}
        )


async def test_a_client_that_goes_away_midway_leaves_nothing() -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    scope_pieces = [b"x" * 10]
    application = alone(ImportFiles(gate.open_gate()))
    answer: list[Message] = []

    async def receive() -> Message:
        if scope_pieces:
            return {"type": "http.request", "body": scope_pieces.pop(), "more_body": True}
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.append(message)

    scope: Scope = {
        "type": "http",
        "method": "PUT",
        "path": path_of(found),
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"authorization", token.encode())],
        "client": ("192.0.2.7", 1),
    }
    await application(scope, receive, send)

    assert (answer, await kept()) == ([], [])


async def test_parts_count_for_the_limits_and_in_the_figures() -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    async with support.serving(unlimited(cost_report=False, account_requests_per_minute=10)) as api:
        answers = [(await put(api, found, 0, CONTENT[:PART], token)).status_code for _ in range(12)]
        refused = await put(api, found, 1, CONTENT[:PART], token)
        page = (await api.client.get("/metrics")).text

    assert answers[:10] == [204] * 10
    assert answers[-1] == refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert await kept() == digests(CONTENT[:PART])
    counted = [line for line in page.splitlines() if 'operation="ImportPart"' in line]
    assert any('result="RATE_LIMITED"' in line for line in counted)


async def test_a_stranger_s_tries_count_for_the_address() -> None:
    actor, _ = await signed_in()
    found = await begun(actor)
    async with support.serving(unlimited(cost_report=False, address_requests_per_minute=10)) as api:
        answers = [
            (await put(api, found, 0, b"", "Bearer nonsense")).status_code for _ in range(13)
        ]

    assert (answers[0], answers[-1]) == (401, 429)


async def test_other_sites_may_put_parts_and_nothing_else() -> None:
    actor, _ = await signed_in()
    found = await begun(actor)
    settings = unlimited(cost_report=False, cors_origins=[ORIGIN])
    async with support.serving(settings) as api:
        asked = {"origin": ORIGIN, "access-control-request-method": "PUT"}
        allowed = {
            path: (await api.client.options(path, headers=asked)).headers[
                "access-control-allow-methods"
            ]
            for path in (path_of(found), report_of(found), "/graphql")
        }

    assert allowed == {
        path_of(found): "PUT",
        report_of(found): "GET, POST",
        "/graphql": "GET, POST",
    }


async def save_report(found: FileImport, content: bytes, folder: Path, which: str) -> None:
    path = folder / "made.csv"
    path.write_bytes(content)
    await uploads.save_report(found.id, which, path)


@pytest.mark.parametrize("which", ["report", "vanished"])
async def test_a_report_comes_down_as_a_file_and_is_recorded(
    api: Api, tmp_path: Path, which: str
) -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    content = b"\xef\xbb\xbf" + "ردیف,کد\r\n".encode() * 200_000
    await save_report(found, content, tmp_path, which)

    response = await api.client.get(report_of(found, which), headers={"authorization": token})

    assert (response.status_code, response.content == content) == (200, True)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    name = f"{which}-{GlobalId(domain.OBJECT, found.id).encode()}.csv"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert response.headers.get_list("cache-control") == ["no-store"]
    (entry,) = await trail("imports.report_read")
    assert (entry["actor"], entry["object_id"]) == (actor, str(found.id))


async def test_a_report_is_for_who_sees_the_import_alone(api: Api, tmp_path: Path) -> None:
    actor, token = await signed_in()
    found = await begun(actor)
    _, in_fars = await signed_in(scope=ViewerScope(province_codes=frozenset({"IR-07"})))
    _, support_desk = await signed_in(Role.SUPPORT)
    await save_report(found, b"1", tmp_path, "report")

    for header in (in_fars, support_desk):
        response = await api.client.get(report_of(found), headers={"authorization": header})
        assert (response.status_code, codes(response)) == (404, ["NOT_FOUND"])
    assert (await api.client.get(report_of(found))).status_code == 401
    absent = await api.client.get(report_of(found, "vanished"), headers={"authorization": token})
    assert absent.status_code == 404
    assert await trail("imports.report_read") == []


@contextlib.asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[int]:
    """A real uvicorn on a free port of this machine; gives the port."""
    config = uvicorn.Config(application, port=0, lifespan="off", log_config=None, ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await server.shutdown()


async def test_who_waits_to_be_asked_for_the_body_is_refused_before_it() -> None:
    actor, _ = await signed_in()
    found = await begun(actor)
    head = f"PUT {path_of(found)} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n"
    async with served(app.create(unlimited(cost_report=False))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode())
        async with asyncio.timeout(60):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_refusal_reaches_who_is_still_sending() -> None:
    actor, _ = await signed_in()
    content = b"x" * domain.PART_BYTES
    found = await begun(actor, content, part_bytes=domain.PART_BYTES)
    async with (
        served(app.create(unlimited(cost_report=False))) as port,
        httpx.AsyncClient() as client,
    ):
        for _ in range(5):
            response = await client.put(
                f"http://127.0.0.1:{port}{path_of(found)}",
                content=content,
                headers={"authorization": "Bearer old"},
            )
            assert response.status_code == 401
    assert await kept() == []
