"""Imports that operators start: from the upload to the merge, with a second person where the file is unusual."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from backend.access import acting_operators
from backend.approvals import executing
from backend.approvals import service as approvals
from backend.approvals.domain import ApproverNotIndependent
from backend.core import clock
from backend.core.errors import Forbidden, NotFound
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, ReauthenticationNeeded, Scope, Viewer
from backend.imports import domain, refusals, repository_runs, running, service, upkeep, uploads
from backend.imports.domain import FileImport, ImportKind, ImportState
from backend.imports.watching import RunReplaced, RunUnwanted, Watch
from backend.infra import db as database
from backend.members import repository_files
from backend.members.file_refusals import MembershipMonthAhead
from backend.organization import service as organization
from backend.organization.domain import Unit
from benchmarks import membership_file
from tests.support import quick_workers
from tests.support.file_imports import members_file, now, prepare, report_of, send, uploaded
from tests.support.staff import NATION, new_operator

AZAR = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)  # of 1405, the ninth month
MONTH = 140509
ROW = {
    "first_name": "مریم",
    "last_name": "احمدی",
    "birth_date": "1330-05-12",
    "pension_kind": "RETIREMENT",
    "state": "ACTIVE",
    "province": "IR-07",
    "city": "شیراز",
    "branch": "B12",
    "association": "K3",
    "net_pension_rials": "120000000",
    "other_deductions_rials": "5000000",
}


@pytest.fixture(autouse=True)
def in_azar() -> Iterator[None]:
    with clock.frozen(AZAR):
        yield


@pytest.fixture(autouse=True)
async def ready(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare()
    quick_workers.start_quickly(monkeypatch)
    await organization.save_units(
        viewer=SYSTEM,
        branches=[Unit("B12", "شعبهٔ ۱۲", "IR-07", "شیراز")],
        associations=[Unit("K3", "کانون ۳", "IR-07", "شیراز")],
    )


async def operator(role: Role, scope: Scope = NATION) -> Viewer:
    """An operator who has just said who it is."""
    made = await new_operator(role, scope=scope)
    found = await acting_operators.find_viewer(f"operator:{made.id}")
    assert found is not None
    return replace(found, reauthenticated_at=clock.now())


@pytest.fixture
async def maker() -> Viewer:
    return await operator(Role.ADMINISTRATOR)


@pytest.fixture
async def approver() -> Viewer:
    return await operator(Role.ADMINISTRATOR)


def person(number: int) -> dict[str, str]:
    """A valid row of somebody of their own."""
    return ROW | {
        "national_code": membership_file.national_code(number),
        "pension_number": f"{20_000_000 + number}",
        "phone": f"09{100_000_000 + number}",
        "iban": membership_file.iban(number),
    }


def people(count: int) -> list[dict[str, str]]:
    return [person(number) for number in range(count)]


async def members() -> dict[str, int]:
    rows = await database.fetch("SELECT state, count(*) AS many FROM member GROUP BY state")
    return {row["state"]: row["many"] for row in rows}


async def count(table: str) -> int:
    row = await database.fetch_one(f"SELECT count(*) AS many FROM {table}")
    assert row is not None
    return int(row["many"])


async def steps(found: FileImport) -> list[tuple[str, str]]:
    rows = await database.fetch(
        "SELECT action, actor FROM audit_entry WHERE object_type = 'FileImport' AND object_id = $1 ORDER BY id",
        str(found.id),
    )
    return [(row["action"], row["actor"]) for row in rows]


async def imported(
    viewer: Viewer, rows: list[dict[str, str]], *, dry_run: bool = False
) -> FileImport:
    """An import that a worker has run once."""
    found = await uploaded(viewer, members_file(rows), month=MONTH)
    await service.start(viewer=viewer, import_id=found.id, dry_run=dry_run)
    await running.run(found.id)
    return await now(found)


async def test_a_small_membership_file_is_merged_and_reported(maker: Viewer) -> None:
    done = await imported(maker, [*people(60), person(60) | {"birth_date": "x"}])

    assert done.state is ImportState.DONE
    assert (done.counts["rows"], done.counts["created"], done.counts["invalid"]) == (61, 60, 1)
    assert await members() == {"ACTIVE": 60}
    assert (done.rows_done, done.rows_expected, done.progress_percent) == (122, 122, 100)
    lines = list(csv.DictReader((await report_of(maker, done)).splitlines()))
    assert (lines[0]["row"], lines[0]["column"]) == ("62", "birth_date")
    assert lines[-1]["error_code"] == "SUMMARY"
    assert await steps(done) == [
        ("imports.begin", maker.actor),
        ("imports.start", maker.actor),
        ("imports.done", maker.actor),
        ("imports.report_read", maker.actor),
    ]
    await upkeep.clean_up(done.id)
    assert await count("file_import_part") == 0


async def test_what_was_tried_out_changes_nothing_and_is_started_for_real_on_the_same_upload(
    maker: Viewer,
) -> None:
    checked = await imported(maker, people(3), dry_run=True)

    assert (checked.state, checked.counts["created"]) == (ImportState.CHECKED, 3)
    assert (await members(), await count("membership_file")) == ({}, 0)
    assert "آزمایشی" in await report_of(maker, checked)
    assert checked.expires_at == AZAR + domain.UPLOAD_LIFETIME

    await service.start(viewer=maker, import_id=checked.id, dry_run=False)
    await running.run(checked.id)
    assert (await now(checked)).state is ImportState.DONE
    assert await members() == {"ACTIVE": 3}


async def test_a_file_once_more_changes_nothing_and_says_so(maker: Viewer) -> None:
    await imported(maker, people(3))
    again = await imported(maker, people(3))

    assert (again.state, again.counts["repeated"]) == (ImportState.DONE, 1)
    assert await members() == {"ACTIVE": 3}


async def test_an_unusual_file_is_merged_once_a_second_person_let_it_pass(
    maker: Viewer, approver: Viewer
) -> None:
    await imported(maker, people(10))
    waiting = await imported(maker, people(8))
    assert (waiting.state, waiting.unusual) == (ImportState.WAITING_FOR_APPROVAL, ("deactivated",))
    assert await members() == {"ACTIVE": 10}
    assert "VANISHES" in await report_of(approver, waiting)
    assert "pension_number" in await report_of(approver, waiting, "vanished")

    assert waiting.approval_id is not None
    with pytest.raises(ApproverNotIndependent):
        await approvals.grant(viewer=maker, approval_id=waiting.approval_id)
    assert (await now(waiting)).state is ImportState.WAITING_FOR_APPROVAL
    with pytest.raises(ReauthenticationNeeded):
        await approvals.grant(
            viewer=replace(approver, reauthenticated_at=None), approval_id=waiting.approval_id
        )
    await approvals.grant(viewer=approver, approval_id=waiting.approval_id)
    await executing.execute(waiting.approval_id)
    assert (await now(waiting)).state is ImportState.QUEUED
    await running.run(waiting.id)

    done = await now(waiting)
    assert (done.state, done.accepted_by) == (ImportState.DONE, approver.actor)
    assert await members() == {"ACTIVE": 8, "INACTIVE": 2}
    row = await database.fetch_one(
        "SELECT unusual_accepted_by FROM membership_file ORDER BY id DESC LIMIT 1"
    )
    assert row is not None
    assert row["unusual_accepted_by"] == approver.actor


async def test_what_does_more_than_was_approved_waits_for_another_approval(
    maker: Viewer, approver: Viewer
) -> None:
    await imported(maker, people(10))
    waiting = await imported(maker, people(8))
    assert waiting.approval_id is not None
    await approvals.grant(viewer=approver, approval_id=waiting.approval_id)
    await executing.execute(waiting.approval_id)
    await database.execute("UPDATE member SET phone = NULL")
    await database.execute(
        "UPDATE member SET phone = '+989170000009' WHERE id = (SELECT min(id) FROM member)"
    )
    await running.run(waiting.id)

    again = await now(waiting)
    assert again.state is ImportState.WAITING_FOR_APPROVAL
    assert again.unusual == ("deactivated", "renumbered")
    assert (again.approval_id != waiting.approval_id, again.accepted_by) == (True, None)
    assert await members() == {"ACTIVE": 10}

    assert again.approval_id is not None
    await approvals.grant(viewer=approver, approval_id=again.approval_id)
    await executing.execute(again.approval_id)
    await running.run(again.id)
    assert (await now(again)).state is ImportState.DONE


async def test_what_does_less_than_was_approved_passes(maker: Viewer, approver: Viewer) -> None:
    await imported(maker, people(10))
    waiting = await imported(maker, people(7))
    assert waiting.approval_id is not None
    await approvals.grant(viewer=approver, approval_id=waiting.approval_id)
    await executing.execute(waiting.approval_id)
    await database.execute("UPDATE member SET state = 'FROZEN' WHERE pension_number = '20000009'")
    await running.run(waiting.id)

    assert (await now(waiting)).state is ImportState.DONE
    assert await members() == {"ACTIVE": 7, "INACTIVE": 2, "FROZEN": 1}


async def test_what_nobody_lets_pass_is_refused_and_its_staging_forgotten(
    maker: Viewer, approver: Viewer
) -> None:
    await upkeep.clean_up((await imported(maker, people(10))).id)
    waiting = await imported(maker, people(8))
    assert waiting.approval_id is not None
    await approvals.refuse(
        viewer=approver, approval_id=waiting.approval_id, reason="پرونده ناقص است"
    )

    refused = await now(waiting)
    assert (refused.state, refused.error_code) == (ImportState.REFUSED, "FILE_IMPORT_REFUSED")
    assert refused.error_text == "پرونده ناقص است"
    await upkeep.clean_up(refused.id)
    assert (await count("file_import_part"), await count("membership_row")) == (0, 0)
    assert await members() == {"ACTIVE": 10}
    row = await database.fetch_one("SELECT state FROM membership_file ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert row["state"] == "ABANDONED"


async def test_what_somebody_changed_in_the_database_is_not_done(
    maker: Viewer, approver: Viewer
) -> None:
    await imported(maker, people(10))
    waiting = await imported(maker, people(8))
    assert waiting.approval_id is not None
    await approvals.grant(viewer=approver, approval_id=waiting.approval_id)
    await database.execute(
        "UPDATE file_import SET counts = counts || '{\"vanished\": 9}' WHERE id = $1", waiting.id
    )
    await executing.execute(waiting.approval_id)

    refused = await now(waiting)
    assert (refused.state, refused.error_code) == (ImportState.REFUSED, "FILE_IMPORT_REFUSED")
    assert await members() == {"ACTIVE": 10}


async def test_an_unusual_dry_run_asks_nobody(maker: Viewer) -> None:
    await imported(maker, people(10))
    checked = await imported(maker, people(8), dry_run=True)

    assert (checked.state, checked.unusual) == (ImportState.CHECKED, ("deactivated",))
    assert await count("approval") == 0


async def test_what_waits_can_be_cancelled_with_its_approval(
    maker: Viewer, approver: Viewer
) -> None:
    await imported(maker, people(10))
    waiting = await imported(maker, people(8))
    cancelled = await service.cancel(viewer=approver, import_id=waiting.id)

    assert (cancelled.state, cancelled.cancelled_by) == (ImportState.CANCELLED, approver.actor)
    row = await database.fetch_one("SELECT state, outcome_code FROM approval")
    assert row is not None
    assert (row["state"], row["outcome_code"]) == ("WITHDRAWN", "CANCELLED")
    assert (await service.cancel(viewer=maker, import_id=waiting.id)).state is ImportState.CANCELLED


async def test_a_running_import_is_cancelled_before_its_merge(maker: Viewer) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    taken = await repository_runs.begin_run(found.id)
    assert taken is not None
    asked = await service.cancel(viewer=maker, import_id=found.id)
    assert (asked.state, asked.cancelled_by) == (ImportState.RUNNING, maker.actor)
    watch = Watch(taken)
    with pytest.raises(RunUnwanted):
        await watch.let_merge()
    await watch.save()
    with pytest.raises(RunUnwanted):
        watch.tell(1)
    await running.run(found.id)

    assert (await now(found)).state is ImportState.CANCELLED
    assert await members() == {}


async def test_a_merge_under_way_is_not_cancelled(maker: Viewer) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    taken = await repository_runs.begin_run(found.id)
    assert taken is not None
    await Watch(taken).let_merge()

    with pytest.raises(refusals.FileImportMerging):
        await service.cancel(viewer=maker, import_id=found.id)
    await running.run(found.id)
    assert (await now(found)).state is ImportState.DONE


async def test_a_run_whose_place_another_has_taken_writes_nothing_more(maker: Viewer) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    former = await repository_runs.begin_run(found.id)
    assert former is not None
    await running.run(found.id)

    watch = Watch(former)
    await watch.save()
    with pytest.raises(RunReplaced):
        watch.tell(1)
    with pytest.raises(RunReplaced):
        await watch.let_merge()
    assert (await now(found)).rows_done == 6


async def test_who_lost_the_rights_meanwhile_imports_nothing(maker: Viewer) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    await database.execute("UPDATE operator SET roles = ARRAY['OBSERVER']")
    await running.run(found.id)

    failed = await now(found)
    assert (failed.state, failed.error_code) == (ImportState.FAILED, "IMPORTER_RIGHTS_GONE")
    assert await members() == {}


async def test_a_merge_of_who_lost_the_rights_meanwhile_is_completed_all_the_same(
    maker: Viewer,
) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    taken = await repository_runs.begin_run(found.id)
    assert taken is not None
    await Watch(taken).let_merge()
    await database.execute("UPDATE operator SET state = 'SUSPENDED'")
    await running.run(found.id)

    assert (await now(found)).state is ImportState.DONE
    row = await database.fetch_one(
        "SELECT actor, on_behalf_of FROM audit_entry WHERE action = 'members.import'"
    )
    assert row is not None
    assert (row["actor"], row["on_behalf_of"]) == ("system", maker.actor)


async def test_a_file_that_is_not_the_announced_one_is_refused(maker: Viewer) -> None:
    content = members_file(people(3))
    begun = await service.begin_members(
        viewer=maker,
        file_name="file.csv",
        size_bytes=len(content),
        sha256=hashlib.sha256(b"another").hexdigest(),
        month=MONTH,
    )
    await send(maker, begun.found, content)
    await service.start(viewer=maker, import_id=begun.found.id, dry_run=False)
    await running.run(begun.found.id)

    failed = await now(begun.found)
    assert (failed.state, failed.error_code) == (ImportState.FAILED, "FILE_DIFFERS")
    assert await members() == {}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"national_code,state\r\n1,2\r\n", "COLUMNS_MISSING"),
        ("نام".encode("utf-16"), "SHEET_NOT_UTF8"),
    ],
)
async def test_a_file_that_is_none_fails_with_the_sentence_of_the_importer(
    maker: Viewer, content: bytes, code: str
) -> None:
    found = await uploaded(maker, content, month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    await running.run(found.id)

    failed = await now(found)
    assert (failed.state, failed.error_code) == (ImportState.FAILED, code)
    assert failed.error_text
    assert failed.error_hint


async def test_what_is_not_uploaded_whole_is_not_started(maker: Viewer) -> None:
    begun = await service.begin_stores(
        viewer=await operator(Role.STORE_MANAGER),
        file_name="C:\\Users\\x\\فروشگاه‌ها.csv",
        size_bytes=domain.PART_BYTES + 1,
        sha256="00" * 32,
    )
    assert begun.found.file_name == "فروشگاه‌ها.csv"
    assert begun.missing_parts == (0, 1)
    starter = replace(maker, actor=begun.found.actor, permissions=frozenset({"stores.manage"}))
    await uploads.put_part(
        viewer=starter, import_id=begun.found.id, number=0, content=bytes(domain.PART_BYTES)
    )

    with pytest.raises(refusals.FilePartMissing) as refusal:
        await service.start(viewer=starter, import_id=begun.found.id, dry_run=True)
    assert refusal.value.data == {"number": 1, "count": 2}
    assert (await now(begun.found)).state is ImportState.UPLOADING
    with pytest.raises(refusals.FileImportOfAnother):
        await service.start(
            viewer=replace(starter, actor="operator:99"), import_id=begun.found.id, dry_run=True
        )


async def test_members_are_changed_by_who_has_just_said_who_it_is(maker: Viewer) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    stale = replace(maker, reauthenticated_at=None)
    with pytest.raises(ReauthenticationNeeded):
        await service.start(viewer=stale, import_id=found.id, dry_run=False)
    assert (await now(found)).state is ImportState.UPLOADING
    tried = await service.start(viewer=stale, import_id=found.id, dry_run=True)
    assert tried.state is ImportState.QUEUED
    assert await service.start(viewer=stale, import_id=found.id, dry_run=True) == tried
    with pytest.raises(refusals.FileImportStateRefuses):
        await service.start(viewer=maker, import_id=found.id, dry_run=False)


async def test_one_import_of_a_kind_runs_and_the_next_one_waits_for_it(maker: Viewer) -> None:
    first = await uploaded(maker, members_file(people(3)), month=MONTH)
    second = await uploaded(maker, members_file(people(4)), month=MONTH)
    for each in (first, second):
        await service.start(viewer=maker, import_id=each.id, dry_run=False)
    assert await repository_runs.begin_run(first.id) is not None
    await running.run(second.id)
    assert (await now(second)).state is ImportState.QUEUED
    await database.execute("DELETE FROM pgqueuer")

    await running.run(first.id)
    assert (await now(first)).state is ImportState.DONE
    row = await database.fetch_one(
        "SELECT payload FROM pgqueuer WHERE entrypoint = $1", domain.RUN_JOB
    )
    assert row is not None
    assert orjson.loads(row["payload"]) == {"import_id": second.id}
    await running.run(second.id)
    assert (await now(second)).state is ImportState.DONE


async def test_an_import_of_the_command_line_is_waited_for(maker: Viewer) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    async with repository_files.claim() as is_ours:
        assert is_ours
        await running.run(found.id)
    waiting = await now(found)
    assert (waiting.state, waiting.attempts) == (ImportState.QUEUED, 0)
    await database.execute("DELETE FROM pgqueuer")
    await upkeep.sweep()
    assert await count("pgqueuer") == 1
    await running.run(found.id)
    assert (await now(found)).state is ImportState.DONE


async def test_what_nobody_starts_expires(maker: Viewer) -> None:
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    with clock.frozen(AZAR + domain.UPLOAD_LIFETIME - timedelta(seconds=1)):
        await upkeep.sweep()
    assert (await now(found)).state is ImportState.UPLOADING
    with clock.frozen(AZAR + domain.UPLOAD_LIFETIME):
        await upkeep.sweep()
    assert (await now(found)).state is ImportState.EXPIRED
    await upkeep.clean_up(found.id)
    assert await count("file_import_part") == 0
    with pytest.raises(refusals.FileImportStateRefuses):
        await service.start(viewer=maker, import_id=found.id, dry_run=True)


async def test_reports_are_kept_for_ninety_days(maker: Viewer) -> None:
    done = await imported(maker, people(3))
    await database.execute("UPDATE file_import_report_part SET created_at = $1", AZAR)
    with clock.frozen(AZAR + domain.REPORT_LIFETIME):
        assert await upkeep.forget_reports() == 0
    with clock.frozen(AZAR + domain.REPORT_LIFETIME + timedelta(seconds=1)):
        assert await upkeep.forget_reports() == 1
    assert (await now(done)).counts["created"] == 3


async def test_a_run_that_fails_again_and_again_is_given_up_with_a_masked_text(
    maker: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_import_id: int, _path: Path) -> None:
        raise LookupError("09121234567")

    monkeypatch.setattr(uploads, "write_to", broken)
    found = await uploaded(maker, members_file(people(3)), month=MONTH)
    await service.start(viewer=maker, import_id=found.id, dry_run=False)
    for _ in range(domain.MAX_ATTEMPTS - 1):
        with pytest.raises(LookupError):
            await running.run(found.id)
    assert (await now(found)).state is ImportState.RUNNING
    await running.run(found.id)

    failed = await now(found)
    assert (failed.state, failed.error_code) == (ImportState.FAILED, "FILE_IMPORT_GIVEN_UP")
    assert "0912" not in str(failed.error_text)


async def test_an_operator_has_few_imports_under_way_and_the_same_file_is_one(
    maker: Viewer,
) -> None:
    first = await uploaded(maker, members_file(people(1)), month=MONTH)
    assert (await uploaded(maker, members_file(people(1)), month=MONTH)).id == first.id
    for many in range(2, domain.MAX_OPEN_IMPORTS + 1):
        await uploaded(maker, members_file(people(many)), month=MONTH)
    with pytest.raises(refusals.FileImportsTooMany):
        await uploaded(maker, members_file(people(9)), month=MONTH)
    assert await count("file_import") == domain.MAX_OPEN_IMPORTS


async def test_members_are_imported_for_the_nation_alone(maker: Viewer) -> None:
    of_fars = await operator(Role.ADMINISTRATOR, Scope(province_codes=frozenset({"IR-07"})))
    for viewer in (of_fars, await operator(Role.STORE_MANAGER), SYSTEM):
        with pytest.raises(Forbidden):
            await uploaded(viewer, members_file(people(1)), month=MONTH)
    with pytest.raises(MembershipMonthAhead):
        await uploaded(maker, members_file(people(1)), month=140511)
    assert await count("file_import") == 0


async def test_who_sees_which_imports(maker: Viewer, approver: Viewer) -> None:
    of_fars = await operator(Role.STORE_MANAGER, Scope(province_codes=frozenset({"IR-07"})))
    manager = await operator(Role.STORE_MANAGER)
    auditor = await operator(Role.AUDITOR)
    observer = await operator(Role.OBSERVER)
    made = {
        "members": (await uploaded(maker, members_file(people(1)), month=MONTH)).id,
        "fars": (await uploaded(of_fars, b"code\n")).id,
        "nation": (await uploaded(manager, b"code,name\n")).id,
    }
    seen = {
        "maker": (maker, {"members"}),
        "approver": (approver, {"members"}),
        "of_fars": (of_fars, {"fars"}),
        "manager": (manager, {"fars", "nation"}),
        "auditor": (auditor, {"members", "fars", "nation"}),
    }
    for viewer, names in seen.values():
        page = await service.list_imports(
            viewer=viewer, kind=None, state=None, first=10, after=None
        )
        assert {each.id for each in page.items} == {made[name] for name in names}
        for name, key in made.items():
            found = await service.find_import(viewer=viewer, import_id=key)
            assert (found is not None) is (name in names)
    with pytest.raises(Forbidden):
        await service.list_imports(viewer=observer, kind=None, state=None, first=10, after=None)
    with pytest.raises(NotFound):
        await service.cancel(viewer=of_fars, import_id=made["nation"])
    with pytest.raises(Forbidden):
        await service.cancel(viewer=auditor, import_id=made["members"])
    page = await service.list_imports(
        viewer=auditor, kind=ImportKind.STORES, state=ImportState.DONE, first=10, after=None
    )
    assert page.items == ()


async def test_an_upload_whose_day_has_passed_is_begun_anew(maker: Viewer) -> None:
    first = await uploaded(maker, members_file(people(3)), month=MONTH)
    with clock.frozen(clock.now() + domain.UPLOAD_LIFETIME):
        again = await uploaded(maker, members_file(people(3)), month=MONTH)

    assert again.id != first.id
