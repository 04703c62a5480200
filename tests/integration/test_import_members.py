"""The membership file: what it changes, what it reports, when it stops, and that it goes on after a kill."""

import asyncio
import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from backend.core.errors import DomainError, Forbidden
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import sealing, sheets
from backend.members import domain, file_chunks, importing, repository_files, repository_merge
from backend.members.file_problems import MembershipColumnsMissing
from backend.members.file_refusals import (
    MembershipImportUnderway,
    MembershipMonthDiffers,
    MembershipMonthPassed,
    MembershipReportPathTaken,
    MembershipStagingLost,
)
from backend.members.file_rows import HEADER
from backend.members.importing import MembershipOutcome, import_members
from benchmarks import membership_file
from tests.support import member_workers

DOCUMENT = Path(__file__).parents[2] / "docs" / "membership-file.md"
ROW = {
    "national_code": "0012345679",
    "first_name": "مریم",
    "last_name": "احمدی",
    "birth_date": "1330-05-12",
    "pension_number": "10000001",
    "pension_kind": "RETIREMENT",
    "state": "ACTIVE",
    "province": "IR-07",
    "city": "شیراز",
    "branch": "B12",
    "association": "K3",
    "net_pension_rials": "120000000",
    "other_deductions_rials": "5000000",
    "iban": "IR130130000000000123456789",
    "phone": "09171234567",
}
SECOND = ROW | {"national_code": "2291234560", "pension_number": "10000002", "phone": "09170000002"}


@pytest.fixture(autouse=True)
async def ready(db: None) -> None:
    member_workers.prepare()


def person(number: int) -> dict[str, str]:
    """A valid row of somebody of their own."""
    return ROW | {
        "national_code": membership_file.national_code(number),
        "pension_number": f"{20_000_000 + number}",
        "phone": f"09{100_000_000 + number}",
        "iban": membership_file.iban(number),
    }


def write(path: Path, rows: Iterable[dict[str, str]], header: Iterable[str] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(header))
        writer.writeheader()
        writer.writerows(rows)
    return path


async def run(
    path: Path, *, month: int | None = 140509, dry_run: bool = False, accept_unusual: bool = False
) -> MembershipOutcome:
    return await import_members(
        viewer=SYSTEM,
        path=path,
        prepare_worker=member_workers.prepare,
        month=month,
        dry_run=dry_run,
        accept_unusual=accept_unusual,
    )


def figures(outcome: MembershipOutcome) -> tuple[int, ...]:
    """Rows, created, changed, unchanged, invalid, deactivated, deceased."""
    return (
        outcome.rows,
        outcome.created,
        outcome.changed,
        outcome.unchanged,
        outcome.invalid,
        outcome.deactivated,
        outcome.deceased,
    )


def report_of(path: Path) -> list[tuple[str, str, str]]:
    """Row, column and code of each line of the report."""
    report = path.with_name(f"{path.stem}.report.csv")
    with report.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["row", "column", "error_code", "message", "hint"]
    return [(line[0], line[1], line[2]) for line in lines[1:]]


async def members() -> list[dict[str, object]]:
    """All members with what a file says of them, in clear text."""
    sealer = sealing.current()
    rows = await database.fetch("SELECT * FROM member ORDER BY pension_number")
    unlike = {"id", "club_secret", "created_at", "changed_at", "state_changed_at"}
    found = []
    for row in rows:
        member = {key: value for key, value in row.items() if key not in unlike}
        for name, context in (
            ("national_code", domain.NATIONAL_CODE_CONTEXT),
            ("iban", domain.IBAN_CONTEXT),
        ):
            sealed, key_id = member.pop(f"{name}_sealed"), member.pop(f"{name}_key_id")
            member[name] = sealed and sealer.unseal(sealing.Sealed(sealed, key_id), context=context)
        found.append(member)
    return found


async def states() -> dict[str, str]:
    rows = await database.fetch("SELECT pension_number, state FROM member")
    return {row["pension_number"]: row["state"] for row in rows}


async def staged() -> int:
    row = await database.fetch_one(
        "SELECT (SELECT count(*) FROM membership_row) + (SELECT count(*) FROM membership_chunk)"
        " + (SELECT count(*) FROM membership_problem) AS n"
    )
    assert row is not None
    count: int = row["n"]
    return count


async def file_states() -> list[str]:
    return [
        row["state"]
        for row in await database.fetch("SELECT state FROM membership_file ORDER BY id")
    ]


async def test_the_sample_of_the_reference_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    written = DOCUMENT.read_text(encoding="utf-8").split("```csv\n")[1].split("```")[0]
    path.write_text(written, encoding="utf-8-sig")

    outcome = await run(path)

    assert figures(outcome) == (2, 2, 0, 0, 0, 0, 0)
    first, second = await members()
    assert first["national_code"] == "0012345679"
    assert first["iban"] == "IR130130000000000123456789"
    assert (first["first_name"], first["last_name"]) == ("مریم", "احمدی")
    assert first["name_sort_key"] == domain.name_sort_key("مریم", "احمدی")
    assert str(first["birth_date"]) == "1951-08-04"
    assert (first["net_pension_rials"], first["other_deductions_rials"]) == (120_000_000, 0)
    assert (first["phone"], first["branch_code"]) == ("+989171234567", "B12")
    assert (second["province_code"], second["city"], second["phone"]) == ("IR-07", "مرودشت", None)
    assert (second["iban"], second["branch_code"]) == (None, None)
    assert (second["pension_kind"], second["state"]) == ("SURVIVOR", "ACTIVE")
    assert report_of(path) == [("", "", "SUMMARY")]
    assert await staged() == 0


async def test_the_same_file_and_the_same_rows_change_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [ROW, SECOND])
    await run(path)
    before = await database.fetch("SELECT * FROM member ORDER BY id")

    again = await run(path)
    turned = await run(write(tmp_path / "b.csv", [SECOND, ROW]))

    assert again.was_imported_before
    assert figures(again) == (2, 2, 0, 0, 0, 0, 0)
    assert figures(turned) == (2, 0, 0, 2, 0, 0, 0)
    assert await database.fetch("SELECT * FROM member ORDER BY id") == before


async def test_a_dry_run_says_the_same_and_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [ROW, SECOND | {"phone": "12"}])

    tried = await run(path, dry_run=True)
    lines = report_of(path)
    left = (await members(), await staged(), await file_states())
    done = await run(path)

    assert figures(tried) == figures(done) == (2, 1, 0, 0, 1, 0, 0)
    assert lines == report_of(path) == [("3", "phone", "BAD_USER_INPUT"), ("", "", "SUMMARY")]
    assert left == ([], 0, [])


async def test_old_codes_of_provinces_have_a_column_of_their_own(tmp_path: Path) -> None:
    header = [name if name != "province" else "کد پیشین استان" for name in HEADER]
    old = {("کد پیشین استان" if key == "province" else key): each for key, each in ROW.items()}
    path = write(tmp_path / "a.csv", [old | {"کد پیشین استان": "IR-14"}], header)

    await run(path)

    assert [member["province_code"] for member in await members()] == ["IR-07"]


async def test_rows_that_contradict_each_other_or_the_members_are_refused(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]))
    third = person(3)
    path = write(
        tmp_path / "b.csv",
        [
            ROW,
            ROW | {"pension_number": "10000009"},
            third,
            person(4) | {"pension_number": third["pension_number"]},
            person(5) | {"pension_number": "10000002"},
            person(6)
            | {"national_code": "1111111111", "birth_date": "1405-13-01", "state": "FROZEN"},
        ],
    )

    outcome = await run(path)

    # The holder of 10000002 is in no valid row, but the number is: nobody vanished.
    assert figures(outcome) == (6, 1, 0, 1, 4, 0, 0)
    assert report_of(path) == [
        ("3", "national_code", "REPEATED_NATIONAL_CODE"),
        ("5", "pension_number", "REPEATED_PENSION_NUMBER"),
        ("6", "pension_number", "PENSION_NUMBER_TAKEN"),
        ("7", "national_code", "BAD_USER_INPUT"),
        ("7", "birth_date", "BAD_USER_INPUT"),
        ("7", "state", "MEMBER_CHOICE_UNKNOWN"),
        ("", "", "SUMMARY"),
    ]
    assert await states() == {
        "10000001": "ACTIVE", "10000002": "ACTIVE", third["pension_number"]: "ACTIVE",
    }  # fmt: skip


async def test_nothing_personal_stands_in_the_report(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        [
            ROW | {"national_code": "0012345678", "iban": "IR99", "pension_number": "x10000001"},
            ROW,
            ROW,
        ],
    )

    await run(path)

    text = path.with_name("a.report.csv").read_text(encoding="utf-8-sig")
    assert not any(value in text for value in ("001234567", "IR99", "10000001", "احمدی", "0917"))


async def test_states_follow_the_file_but_a_file_lifts_nothing(tmp_path: Path) -> None:
    people = [person(number) for number in range(1, 7)]
    await run(write(tmp_path / "a.csv", people))
    numbers = [each["pension_number"] for each in people]
    await database.execute(
        "UPDATE member SET state = 'FROZEN' WHERE pension_number = ANY($1)", numbers[:2]
    )
    await database.execute(
        "UPDATE member SET state = 'DECEASED' WHERE pension_number = $1", numbers[2]
    )
    path = write(
        tmp_path / "b.csv",
        [
            people[0],
            people[1] | {"state": "DECEASED"},
            people[2],
            people[3] | {"state": "INACTIVE"},
            people[4] | {"state": "فوت‌شده"},
        ],
    )

    stopped = await run(path)
    outcome = await run(path, accept_unusual=True)

    assert stopped.needs_decision
    assert figures(outcome) == (5, 0, 3, 2, 0, 1, 2)
    assert await states() == dict(
        zip(
            numbers,
            ("FROZEN", "DECEASED", "DECEASED", "INACTIVE", "DECEASED", "INACTIVE"),
            strict=True,
        )
    )
    assert report_of(path) == [("4", "state", "DECEASED_COMES_BACK"), ("", "", "SUMMARY")]


async def test_an_empty_phone_or_iban_leaves_what_is_stored(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW]))
    [before] = await members()

    outcome = await run(
        write(
            tmp_path / "b.csv",
            [ROW | {"phone": "", "iban": "", "city": "", "net_pension_rials": "7"}],
        )
    )

    assert figures(outcome) == (1, 0, 1, 0, 0, 0, 0)
    assert await members() == [before | {"city": None, "net_pension_rials": 7}]


@pytest.mark.parametrize(
    ("vanished", "moved", "stops"), [(1, 0, False), (2, 0, True), (0, 1, False), (0, 2, True)]
)
async def test_it_stops_beyond_half_a_percent(
    tmp_path: Path, vanished: int, moved: int, stops: bool
) -> None:
    people = [person(number) for number in range(200)]
    await run(write(tmp_path / "a.csv", people))
    before = await members()
    later = [
        each | ({"phone": f"0935{number:07}"} if number < moved else {})
        for number, each in enumerate(people)
    ][: 200 - vanished]
    path = write(tmp_path / "b.csv", later)

    outcome = await run(path)

    assert outcome.needs_decision is stops
    assert (outcome.deactivated, outcome.phone_changed) == (vanished, moved)
    assert (await members() == before) is stops
    assert await file_states() == ["DONE", "UNUSUAL" if stops else "DONE"]
    if stops:
        accepted = await run(path, accept_unusual=True)
        assert not accepted.needs_decision
        assert await members() != before
        [row] = await database.fetch(
            "SELECT unusual_accepted_by FROM membership_file WHERE state = 'DONE' ORDER BY id DESC LIMIT 1"
        )
        assert row["unusual_accepted_by"] == "system"


async def test_a_file_without_one_valid_row_is_never_accepted(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW]))

    outcome = await run(
        write(tmp_path / "b.csv", [SECOND | {"birth_date": "x"}]), accept_unusual=True
    )

    assert outcome.needs_decision
    assert await states() == {"10000001": "ACTIVE"}


async def test_whole_files_are_refused_without_a_trace(tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", [ROW]).read_bytes()
    refused: dict[bytes, type[DomainError]] = {
        good.replace(b"iban", b"city"): DomainError,
        good.split(b"\n")[0].replace(b",phone", b"") + b"\n": MembershipColumnsMissing,
        good + b'"cut off': sheets.SheetBroken,
        good + "مريم".encode("cp1256") + b"\n": sheets.SheetNotUtf8,
        good + b"x" * (file_chunks.MAX_ROW_BYTES + 1): file_chunks.MembershipFileTooLarge,
        b"": sheets.SheetEmpty,
        b"PK\x03\x04": sheets.SheetKindUnknown,
    }
    for content, error in refused.items():
        path = tmp_path / "bad.csv"
        path.write_bytes(content)
        with pytest.raises(error):
            await run(path)
        assert (await members(), await staged(), await file_states()) == ([], 0, [])
    with pytest.raises(Forbidden):
        await import_members(
            viewer=Viewer(ActorKind.OPERATOR, "clerk"),
            path=tmp_path / "good.csv",
            prepare_worker=member_workers.prepare,
        )
    with pytest.raises(MembershipReportPathTaken):
        await import_members(
            viewer=SYSTEM,
            path=tmp_path / "good.csv",
            report_path=tmp_path / "good.csv",
            prepare_worker=member_workers.prepare,
        )


async def test_months_go_forward_and_an_undecided_file_yields(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]), month=140509)
    waiting = write(tmp_path / "b.csv", [ROW])
    assert (await run(waiting, month=140510)).needs_decision

    with pytest.raises(MembershipMonthPassed):
        await run(write(tmp_path / "c.csv", [SECOND]), month=140508)
    with pytest.raises(MembershipMonthDiffers):
        await run(waiting, month=140511)
    await run(write(tmp_path / "d.csv", [SECOND, ROW]), month=140510)

    assert await file_states() == ["DONE", "ABANDONED", "DONE"]
    assert await states() == {"10000001": "ACTIVE", "10000002": "ACTIVE"}


async def test_while_one_file_is_merged_no_other_begins(tmp_path: Path) -> None:
    await repository_files.insert_file(sha256=b"1" * 32, month=140509)
    await database.execute("UPDATE membership_file SET state = 'MERGING'")

    with pytest.raises(MembershipImportUnderway):
        await run(write(tmp_path / "a.csv", [ROW]))


async def interrupted(path: Path, at: str) -> None:
    """An import in a process of its own that kills itself, without a word, the third time it is there."""
    script = f"""
import asyncio, os, signal
from pathlib import Path
from backend.core.viewer import SYSTEM
from backend.infra import db
from backend.members import file_chunks, importing, repository_files, repository_merge
from tests.support import member_workers

file_chunks.ROWS_A_CHUNK, importing.MERGE_ROWS, passed = 40, 20, []

def deadly(work):
    async def wrapped(*args, **kwargs):
        passed.append(1)
        result = await work(*args, **kwargs)
        if len(passed) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

async def main():
    member_workers.prepare()
    await db.connect({await url()!r})
    await importing.import_members(
        viewer=SYSTEM, path=Path({str(path)!r}), prepare_worker=member_workers.prepare, month=140510
    )

if __name__ == "__main__":
    {at} = deadly({at})
    asyncio.run(main())
"""
    program = path.with_name("interrupted.py")
    program.write_text(script, encoding="utf-8")
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(program)],
        check=False,
        env=os.environ | {"PYTHONPATH": str(DOCUMENT.parents[1])},
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL


async def url() -> str:
    row = await database.fetch_one(
        "SELECT current_database() AS name, current_setting('unix_socket_directories') AS folder,"
        " current_setting('port') AS port, current_user AS who"
    )
    assert row is not None
    return f"postgresql://{row['who']}@/{row['name']}?host={row['folder']}&port={row['port']}"


@pytest.mark.parametrize("at", ["repository_files.insert_chunk", "repository_merge.merge_buckets"])
async def test_a_killed_import_goes_on_and_the_result_is_the_same(
    tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_chunks, "ROWS_A_CHUNK", 40)
    monkeypatch.setattr(importing, "MERGE_ROWS", 20)
    people = [person(number) for number in range(300)]
    await run(write(tmp_path / "a.csv", people))
    await database.execute("CREATE TABLE untouched AS SELECT * FROM member")
    later = [each | {"net_pension_rials": "9"} for each in people[1:]] + [person(900), person(900)]
    path = write(tmp_path / "b.csv", later)

    whole = await run(path, month=140510)
    expected, lines = await members(), report_of(path)
    await database.execute("DELETE FROM member")
    await database.execute("INSERT INTO member OVERRIDING SYSTEM VALUE SELECT * FROM untouched")
    await database.execute("DELETE FROM membership_file WHERE month = 140510")

    await interrupted(path, at)
    left = (await repository_files.find_open_file(), await staged())
    outcome = await run(path, month=140510)

    file, staged_rows = left
    assert file is not None
    assert (file.state, file.next_bucket) == (
        ("STAGING", 0) if at.endswith("insert_chunk") else ("MERGING", file.next_bucket)
    )
    assert staged_rows > 0
    assert figures(outcome) == figures(whole) == (301, 1, 299, 0, 1, 1, 0)
    assert await members() == expected
    assert report_of(path) == lines


async def test_staging_that_the_server_lost_is_made_anew_and_never_taken_for_emptiness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MERGE_ROWS", 20)
    people = [person(number) for number in range(100)]
    path = write(tmp_path / "a.csv", people)
    merge = repository_merge.merge_buckets
    merged: list[int] = []

    async def merge_and_lose(file_id: int, first: int, beyond: int) -> None:
        await merge(file_id, first, beyond)
        merged.append(first)
        if len(merged) == 2:
            await repository_files.clear_staging()

    monkeypatch.setattr(repository_merge, "merge_buckets", merge_and_lose)
    with pytest.raises(MembershipStagingLost):
        await run(path)
    monkeypatch.setattr(repository_merge, "merge_buckets", merge)
    outcome = await run(path)

    assert figures(outcome) == (100, 100, 0, 0, 0, 0, 0)
    assert set((await states()).values()) == {"ACTIVE"}
    assert len(await states()) == 100
