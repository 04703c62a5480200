"""The bytes of imports are kept sealed, part by part, given to the jobs whole, and nobody else's business."""

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from backend.core import clock
from backend.core.errors import DomainError, Forbidden, NotFound, Unauthenticated
from backend.core.permissions import Role
from backend.core.viewer import ANONYMOUS, SYSTEM, Scope, Viewer
from backend.imports import domain, repository, resealing, uploads
from backend.imports.domain import FileImport, ImportKind
from backend.imports.refusals import FileDiffers, FileImportStateRefuses, FilePartMissing
from backend.imports.uploads import FilePartNumberInvalid, FilePartSizeInvalid, ReportGone
from backend.infra import db as database
from backend.infra import sealing
from backend.infra.resealing import Renewed
from backend.infra.sealing import SealBroken
from tests.support import access, debts, operators
from tests.support.operators import operator, trail

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
FARS = Scope(province_codes=frozenset({"IR-07"}))
CONTENT = b"code,name\r\n" + "فروشگاه".encode() + b"\r\n1"
PART = 10


@pytest.fixture(autouse=True)
async def scene(db: None) -> AsyncIterator[None]:
    del db
    access.configure_keys()
    with clock.frozen(NOW):
        yield


def manager(number: int = 1, scope: Scope = operators.NATION) -> Viewer:
    return operator(number, Role.STORE_MANAGER, scope=scope)


async def begun(
    content: bytes = CONTENT,
    *,
    part_bytes: int = PART,
    actor: str = "operator:1",
    provinces: tuple[str, ...] | None = None,
) -> FileImport:
    return await repository.insert(
        kind=ImportKind.STORES,
        actor=actor,
        province_codes=provinces,
        file_name="stores.csv",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).digest(),
        part_bytes=part_bytes,
        month=None,
        expires_at=NOW + timedelta(hours=24),
    )


def parts_of(content: bytes = CONTENT, part_bytes: int = PART) -> list[bytes]:
    return [content[at : at + part_bytes] for at in range(0, len(content), part_bytes)]


async def put(found: FileImport, number: int, content: bytes, viewer: Viewer | None = None) -> None:
    await uploads.put_part(
        viewer=viewer or manager(), import_id=found.id, number=number, content=content
    )


async def put_all(found: FileImport, content: bytes = CONTENT) -> None:
    for number, part in enumerate(parts_of(content, found.part_bytes)):
        await put(found, number, part)


async def kept() -> list[str]:
    rows = await database.fetch("SELECT t::text AS row FROM file_import_part t ORDER BY number")
    return [row["row"] for row in rows]


async def set_state(found: FileImport, state: str) -> None:
    ended = state in domain.ENDED
    await database.execute(
        "UPDATE file_import SET state = $2, expires_at = NULL, started_at = now(), ended_at ="
        " CASE WHEN $3 THEN now() END WHERE id = $1",
        found.id,
        state,
        ended,
    )


async def test_the_parts_make_the_file_whatever_their_order(tmp_path: Path) -> None:
    found = await begun()
    parts = parts_of()
    assert (len(parts), found.part_count) == (3, 3)
    for number in (2, 0, 1):
        assert await uploads.check_part(viewer=manager(), import_id=found.id, number=number) == len(
            parts[number]
        )
        await put(found, number, parts[number])

    path = tmp_path / "whole.csv"
    await uploads.write_to(found.id, path)

    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_is_kept_is_sealed_for_its_place() -> None:
    found = await begun()
    await put_all(found)

    rows = await database.fetch("SELECT * FROM file_import_part ORDER BY number")
    assert [row["size_bytes"] for row in rows] == [10, 10, 8]
    assert not any(part in row["content_sealed"] for row in rows for part in parts_of())
    await database.execute(
        "UPDATE file_import_part p SET content_sealed = o.content_sealed FROM file_import_part o"
        " WHERE p.number = 0 AND o.number = 1"
    )
    with pytest.raises(SealBroken):
        await uploads.write_to(found.id, Path("/dev/null"))


async def test_the_same_part_again_is_left_and_another_content_takes_its_place() -> None:
    found = await begun()
    first, *_ = parts_of()
    await put(found, 0, first)
    before = await kept()

    await put(found, 0, first)
    assert await kept() == before
    await put(found, 0, b"0123456789")

    (row,) = await database.fetch("SELECT sha256 FROM file_import_part")
    assert row["sha256"] == hashlib.sha256(b"0123456789").digest()


async def test_many_who_send_one_part_at_once_leave_one(tmp_path: Path) -> None:
    found = await begun()
    parts = parts_of()
    others = [bytes([48 + n]) * PART for n in range(4)]

    await asyncio.gather(*(put(found, 0, content) for content in (*others, parts[0]) * 3))
    await asyncio.gather(*(put(found, number, part) for number, part in enumerate(parts) if number))

    assert len(await kept()) == 3
    await put(found, 0, parts[0])
    await uploads.write_to(found.id, tmp_path / "whole.csv")
    assert (tmp_path / "whole.csv").read_bytes() == CONTENT


async def test_a_start_meanwhile_and_a_part_do_not_pass_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = await begun()
    seal = sealing.Sealer.seal_bytes
    begun_sealing, may_go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly(self: sealing.Sealer, content: bytes, *, context: str) -> sealing.Sealed:
        loop.call_soon_threadsafe(begun_sealing.set)
        asyncio.run_coroutine_threadsafe(may_go_on.wait(), loop).result(timeout=60)
        return seal(self, content, context=context)

    monkeypatch.setattr(sealing.Sealer, "seal_bytes", slowly)
    sending = asyncio.create_task(put(found, 0, parts_of()[0]))
    await begun_sealing.wait()
    await set_state(found, "QUEUED")
    may_go_on.set()

    with pytest.raises(FileImportStateRefuses):
        await sending
    assert await kept() == []


@pytest.mark.parametrize("state", ["QUEUED", "RUNNING", "DONE", "CANCELLED", "EXPIRED"])
async def test_only_an_import_that_is_being_uploaded_takes_parts(state: str) -> None:
    found = await begun()
    await set_state(found, state)

    with pytest.raises(FileImportStateRefuses):
        await put(found, 0, parts_of()[0])

    assert await kept() == []


async def test_an_upload_that_took_too_long_takes_no_more_parts() -> None:
    found = await begun()
    with clock.frozen(NOW + timedelta(hours=24)), pytest.raises(FileImportStateRefuses):
        await put(found, 0, parts_of()[0])
    assert await kept() == []


@pytest.mark.parametrize(
    ("viewer", "error"),
    [
        (ANONYMOUS, Unauthenticated),
        (operator(1, Role.AUDITOR), Forbidden),
        (operator(2, Role.STORE_MANAGER), NotFound),
        (debts.viewer_of(1), NotFound),
    ],
    ids=["nobody", "the right is gone", "a colleague", "a member"],
)
async def test_only_who_has_begun_it_sends_parts(viewer: Viewer, error: type[DomainError]) -> None:
    found = await begun()

    with pytest.raises(error):
        await put(found, 0, parts_of()[0], viewer)
    with pytest.raises(error):
        await uploads.check_part(viewer=viewer, import_id=found.id, number=0)

    assert await kept() == []


async def test_what_is_wrong_with_a_part_is_told_with_what_is_right() -> None:
    found = await begun()

    for number in (-1, 3):
        with pytest.raises(FilePartNumberInvalid) as out_of_range:
            await put(found, number, parts_of()[0])
        assert out_of_range.value.data == {"last": 2}
    for number, content in ((0, b""), (0, b"x" * 9), (0, b"x" * 11), (2, b"x" * 10)):
        with pytest.raises(FilePartSizeInvalid) as refused:
            await put(found, number, content)
        right = 8 if number == 2 else 10
        assert refused.value.data == {"number": number, "size_bytes": right, "part_bytes": 10}
    with pytest.raises(NotFound):
        await put(replace(found, id=found.id + 1), 0, parts_of()[0])

    assert await kept() == []


async def test_what_is_missing_is_told_and_no_file_is_made_of_it(tmp_path: Path) -> None:
    found = await begun()
    await put(found, 1, parts_of()[1])

    assert await uploads.missing_parts(found.id) == [0, 2]
    with pytest.raises(FilePartMissing) as missing:
        await uploads.write_to(found.id, tmp_path / "whole.csv")
    assert missing.value.data == {"number": 0, "count": 3}
    await put_all(found)
    assert await uploads.missing_parts(found.id) == []


async def test_another_file_than_was_announced_is_refused(tmp_path: Path) -> None:
    found = await begun()
    await put_all(found)
    await put(found, 1, b"x" * PART)

    with pytest.raises(FileDiffers):
        await uploads.write_to(found.id, tmp_path / "whole.csv")


async def save_report(
    found: FileImport, content: bytes, folder: Path, which: str = "report"
) -> None:
    path = folder / "report.csv"
    path.write_bytes(content)
    await uploads.save_report(found.id, which, path)


async def read(found: FileImport, viewer: Viewer, which: str = "report") -> bytes:
    pieces = await uploads.read_report(viewer=viewer, import_id=found.id, which=which)
    return b"".join([piece async for piece in pieces])


async def test_a_report_comes_back_as_it_was_and_its_reading_is_in_the_trail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "REPORT_PART_BYTES", 7)
    found = await begun(provinces=("IR-07",))
    await save_report(found, b"older, and longer than the other one", tmp_path)
    await save_report(found, b"\xef\xbb\xbf" + CONTENT, tmp_path)

    assert await read(found, manager(scope=FARS)) == b"\xef\xbb\xbf" + CONTENT

    rows = await database.fetch("SELECT content_sealed FROM file_import_report_part")
    assert len(rows) == 5
    assert not any(CONTENT[:4] in row["content_sealed"] for row in rows)
    (entry,) = await trail("imports.report_read")
    assert (entry["actor"], entry["object_id"], entry["province_code"]) == (
        "operator:1",
        str(found.id),
        "IR-07",
    )
    assert orjson.loads(str(entry["after"])) == {"report": "report"}


@pytest.mark.parametrize(
    "viewer",
    [
        operator(2, Role.STORE_MANAGER, scope=FARS),
        operator(2, Role.STORE_MANAGER),
        operator(3, Role.AUDITOR),
    ],
    ids=["a colleague of the province", "a colleague of the nation", "an auditor"],
)
async def test_who_sees_the_import_reads_its_report(tmp_path: Path, viewer: Viewer) -> None:
    found = await begun(provinces=("IR-07",))
    await save_report(found, b"1", tmp_path)

    assert await read(found, viewer) == b"1"


@pytest.mark.parametrize(
    ("viewer", "error"),
    [
        (ANONYMOUS, Unauthenticated),
        (operator(2, Role.STORE_MANAGER, scope=FARS), NotFound),
        (operator(2, Role.SUPPORT), NotFound),
        (operator(3, Role.AUDITOR, scope=FARS), NotFound),
        (debts.viewer_of(1), NotFound),
    ],
    ids=["nobody", "of another province", "another role", "an auditor of a province", "a member"],
)
async def test_nobody_else_reads_it_and_nothing_is_recorded(
    tmp_path: Path, viewer: Viewer, error: type[DomainError]
) -> None:
    found = await begun(provinces=("IR-23",))
    await save_report(found, b"1", tmp_path)

    with pytest.raises(error):
        await read(found, viewer)

    assert await trail("imports.report_read") == []


async def test_there_may_be_no_report(tmp_path: Path) -> None:
    found = await begun()
    await save_report(found, b"1", tmp_path, "vanished")

    for wanted, which in ((found, "report"), (replace(found, id=found.id + 1), "vanished")):
        with pytest.raises(NotFound):
            await read(wanted, manager(), which)

    assert await read(found, manager(), "vanished") == b"1"


async def test_a_report_that_is_written_anew_meanwhile_is_not_given_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "REPORT_PART_BYTES", 4)
    found = await begun()
    await save_report(found, b"aaaabbbb", tmp_path)
    pieces = await uploads.read_report(viewer=manager(), import_id=found.id, which="report")
    assert await anext(pieces) == b"aaaa"

    await save_report(found, b"ccccdddd", tmp_path)

    with pytest.raises(ReportGone):
        await anext(pieces)


async def test_a_part_costs_few_statements() -> None:
    found = await begun()
    with database.count_statements() as counted:
        await put(found, 0, parts_of()[0])
    assert counted.count == 4


async def test_parts_and_reports_are_sealed_anew_by_the_current_key(tmp_path: Path) -> None:
    old, new, index = bytes(range(32)), bytes(range(64, 96)), bytes(range(32, 64))
    sealing.configure(sealing.Sealer({"1": old}, "1", index))
    found = await begun()
    await put_all(found)
    await save_report(found, b"1", tmp_path)
    sealing.configure(sealing.Sealer({"1": old, "2": new}, "2", index))

    assert await resealing.renew_seals(viewer=SYSTEM) == Renewed(renewed=4)
    assert await resealing.renew_seals(viewer=SYSTEM) == Renewed()

    sealing.configure(sealing.Sealer({"2": new}, "2", index))
    await uploads.write_to(found.id, tmp_path / "whole.csv")
    assert (tmp_path / "whole.csv").read_bytes() == CONTENT
    assert await read(found, manager()) == b"1"
    with pytest.raises(Forbidden):
        await resealing.renew_seals(viewer=manager())
