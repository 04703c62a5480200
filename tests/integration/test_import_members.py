"""The membership file: what it changes, what it reports, when it stops, and that it goes on after a kill."""

import asyncio
import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import orjson
import pytest

from backend.core import clock
from backend.core.errors import DomainError, Forbidden
from backend.core.viewer import SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import jobs, sealing, sheets
from backend.members import (
    domain,
    file_chunks,
    importing,
    merging,
    repository_files,
    repository_merge,
    seals,
    staging,
)
from backend.members.file_problems import MembershipColumnsMissing
from backend.members.file_refusals import (
    MembershipAcceptorInvalid,
    MembershipFileChanged,
    MembershipImportRunning,
    MembershipImportUnderway,
    MembershipMonthAhead,
    MembershipMonthDiffers,
    MembershipMonthPassed,
    MembershipReportPathTaken,
    MembershipStagingLost,
)
from backend.members.file_rows import HEADER
from backend.members.importing import MembershipOutcome, import_members
from backend.organization import service as organization
from backend.organization.domain import Unit
from benchmarks import membership_file
from tests.support import member_workers, quick_workers

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


AZAR = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)  # of 1405, the ninth month
WHO = "سرپرست عضویت"


@pytest.fixture(autouse=True)
def in_azar() -> Iterator[None]:
    with clock.frozen(AZAR):
        yield


@pytest.fixture(autouse=True)
async def ready(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' sealer, workers that start at once, the queue, and the units that the rows name."""
    member_workers.prepare()
    quick_workers.start_quickly(monkeypatch)
    async with database.acquire() as connection:
        await jobs.install(connection)
    await organization.save_units(
        viewer=SYSTEM,
        branches=[Unit("B12", "شعبهٔ ۱۲", "IR-07", "شیراز")],
        associations=[Unit("K3", "کانون ۳", "IR-07", "شیراز")],
    )


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
        accepted_by=WHO if accept_unusual else None,
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
        for name, opened in (
            ("national_code", seals.open_national_code),
            ("iban", seals.open_iban),
        ):
            sealed = sealing.Sealed(member.pop(f"{name}_sealed"), member.pop(f"{name}_key_id"))
            index = row["national_code_index"]
            member[name] = sealed.ciphertext and opened(sealed, index=index, sealer=sealer)
        found.append(member)
    return found


async def looked_at() -> list[list[str]]:
    """The pension numbers of the members whose sessions are to be looked at, by job; takes the jobs away."""
    rows = await database.fetch("DELETE FROM pgqueuer RETURNING id, entrypoint, payload")
    assert {row["entrypoint"] for row in rows} <= {"access.end_stale_sessions"}
    numbers = {
        row["id"]: row["pension_number"]
        for row in await database.fetch("SELECT id, pension_number FROM member")
    }
    return [
        [numbers[each] for each in orjson.loads(row["payload"])["member_ids"]]
        for row in sorted(rows, key=lambda row: int(row["id"]))
    ]


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
    people = [person(number) for number in range(98)]
    path = write(tmp_path / "a.csv", [ROW, SECOND | {"birth_date": "12"}, *people])

    tried = await run(path, dry_run=True)
    lines = report_of(path)
    left = (await members(), await staged(), await file_states())
    done = await run(path)

    assert figures(tried) == figures(done) == (100, 99, 0, 0, 1, 0, 0)
    assert lines == report_of(path) == [("3", "birth_date", "BAD_USER_INPUT"), ("", "", "SUMMARY")]
    assert left == ([], 0, [])


async def test_old_codes_of_provinces_have_a_column_of_their_own(tmp_path: Path) -> None:
    header = [name if name != "province" else "کد پیشین استان" for name in HEADER]
    old = {("کد پیشین استان" if key == "province" else key): each for key, each in ROW.items()}
    path = write(tmp_path / "a.csv", [old | {"کد پیشین استان": "IR-14"}], header)

    await run(path)

    assert [member["province_code"] for member in await members()] == ["IR-07"]


async def test_a_second_row_of_a_person_is_refused_but_a_refused_row_shadows_none(
    tmp_path: Path,
) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]))
    path = write(
        tmp_path / "b.csv",
        [
            ROW,
            ROW | {"pension_number": "10000009"},
            SECOND | {"birth_date": "1405-13-01"},
            SECOND | {"net_pension_rials": "7"},
            person(6) | {"national_code": "1111111111", "birth_date": "x", "state": "FROZEN"},
        ],
    )

    outcome = await run(path, accept_unusual=True)

    assert figures(outcome) == (5, 0, 1, 1, 3, 0, 0)
    assert report_of(path) == [
        ("3", "national_code", "REPEATED_NATIONAL_CODE"),
        ("4", "birth_date", "BAD_USER_INPUT"),
        ("6", "national_code", "BAD_USER_INPUT"),
        ("6", "birth_date", "BAD_USER_INPUT"),
        ("6", "state", "UNKNOWN_CHOICE"),
        ("", "", "SUMMARY"),
    ]
    found = {each["pension_number"]: each["net_pension_rials"] for each in await members()}
    assert found == {"10000001": 120_000_000, "10000002": 7}


async def test_a_pension_number_is_shared_passed_on_and_exchanged(tmp_path: Path) -> None:
    people = [person(number) for number in range(5)]
    await run(write(tmp_path / "a.csv", people))
    dead, survivor, former, first, second = people
    number = former["pension_number"]
    later = [
        dead | {"state": "DECEASED"},
        survivor | {"pension_number": dead["pension_number"], "pension_kind": "SURVIVOR"},
        person(10) | {"pension_number": dead["pension_number"], "pension_kind": "SURVIVOR"},
        person(11) | {"pension_number": number},  # and who had it is in no row
        first | {"pension_number": second["pension_number"]},
        second | {"pension_number": first["pension_number"]},
    ]

    outcome = await run(write(tmp_path / "b.csv", later), accept_unusual=True)

    assert figures(outcome) == (6, 2, 4, 0, 0, 1, 1)
    found = {
        each["national_code"]: (each["pension_number"], each["state"]) for each in await members()
    }
    assert found == {
        **{each["national_code"]: (each["pension_number"], each["state"]) for each in later},
        former["national_code"]: (number, "INACTIVE"),
    }


async def test_who_can_be_recognized_by_the_pension_number_alone_has_not_vanished(
    tmp_path: Path,
) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]))

    outcome = await run(
        write(tmp_path / "b.csv", [ROW, SECOND | {"national_code": "2291234561"}]),
        accept_unusual=True,
    )

    assert (outcome.invalid, outcome.deactivated) == (1, 0)
    assert await states() == {"10000001": "ACTIVE", "10000002": "ACTIVE"}


@pytest.mark.parametrize("bad", [{"birth_date": "x"}, {"province": "IR-99", "first_name": ""}])
async def test_a_death_counts_in_a_row_that_is_refused(tmp_path: Path, bad: dict[str, str]) -> None:
    people = [person(number) for number in range(100)]
    await run(write(tmp_path / "a.csv", people))
    await looked_at()
    dead = people[7] | {"state": "DECEASED"} | bad
    path = write(tmp_path / "b.csv", [*people[:7], dead, *people[8:]])

    outcome = await run(path)

    assert figures(outcome) == (100, 0, 0, 99, 1, 0, 1)
    number = people[7]["pension_number"]
    assert {each for each, state in (await states()).items() if state != "ACTIVE"} == {number}
    assert (await states())[number] == "DECEASED"
    assert await looked_at() == [[number]]


async def test_a_phone_or_iban_that_is_not_valid_leaves_what_is_stored(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW]))
    [before] = await members()
    path = write(
        tmp_path / "b.csv",
        [ROW | {"phone": "0917", "iban": "IR99", "branch": "B9", "net_pension_rials": "7"}],
    )

    outcome = await run(path)

    assert (outcome.changed, outcome.invalid, outcome.phone_changed) == (1, 0, 0)
    assert (outcome.unknown_units, outcome.passed_over) == (1, 2)
    assert await members() == [before | {"branch_code": None, "net_pension_rials": 7}]
    assert report_of(path) == [
        ("2", "branch", "UNIT_UNKNOWN"),
        ("2", "iban", "CELL_PASSED_OVER"),
        ("2", "phone", "CELL_PASSED_OVER"),
        ("", "", "SUMMARY"),
    ]


async def test_nothing_personal_stands_in_the_report(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        [
            ROW | {"national_code": "0012345678", "iban": "IR99", "pension_number": "x10000001"},
            ROW,
            ROW,
        ],
    )

    await run(path, accept_unusual=True)

    text = path.with_name("a.report.csv").read_text(encoding="utf-8-sig")
    assert not any(value in text for value in ("001234567", "IR99", "10000001", "احمدی", "0917"))


AFTER = {
    # stored: in a row that says ACTIVE, INACTIVE, DECEASED, and in none
    "ACTIVE": ("ACTIVE", "INACTIVE", "DECEASED", "INACTIVE"),
    "INACTIVE": ("ACTIVE", "INACTIVE", "DECEASED", "INACTIVE"),
    "FROZEN": ("FROZEN", "FROZEN", "DECEASED", "FROZEN"),
    "DECEASED": ("DECEASED", "DECEASED", "DECEASED", "DECEASED"),
}


async def test_the_state_after_a_file_by_the_one_before_and_the_one_in_the_file(
    tmp_path: Path,
) -> None:
    cases = [
        (stored, in_file, after)
        for stored, afters in AFTER.items()
        for in_file, after in zip(("ACTIVE", "INACTIVE", "DECEASED", None), afters, strict=True)
    ]
    people = [person(number) for number in range(len(cases))]
    await run(write(tmp_path / "a.csv", people))
    for each, (stored, _, _) in zip(people, cases, strict=True):
        await database.execute(
            "UPDATE member SET state = $2 WHERE pension_number = $1", each["pension_number"], stored
        )
    path = write(
        tmp_path / "b.csv",
        [
            each | {"state": in_file}
            for each, (_, in_file, _) in zip(people, cases, strict=True)
            if in_file is not None
        ],
    )

    stopped = await run(path)
    outcome = await run(path, accept_unusual=True)

    assert stopped.needs_decision
    assert (outcome.deactivated, outcome.stopped, outcome.deceased) == (1, 1, 3)
    assert await states() == {
        each["pension_number"]: after for each, (_, _, after) in zip(people, cases, strict=True)
    }
    assert report_of(path) == [
        ("11", "state", "DECEASED_COMES_BACK"),
        ("12", "state", "DECEASED_COMES_BACK"),
        ("", "", "SUMMARY"),
    ]


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
        assert row["unusual_accepted_by"] == WHO


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "DECEASED"}, "deaths"),
        ({"state": "INACTIVE"}, "deactivated"),
        ({"net_pension_rials": ""}, "unpensioned"),
    ],
)
async def test_a_column_that_is_wrong_in_every_row_stops_the_file(
    tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    people = [person(number) for number in range(20)]
    await run(write(tmp_path / "a.csv", people))
    before = await database.fetch("SELECT * FROM member ORDER BY id")

    outcome = await run(write(tmp_path / "b.csv", [each | change for each in people]))

    assert outcome.needs_decision
    assert outcome.unusual == (reason,)
    assert await database.fetch("SELECT * FROM member ORDER BY id") == before


async def test_deaths_in_refused_rows_count_towards_the_decision(tmp_path: Path) -> None:
    people = [person(number) for number in range(200)]
    await run(write(tmp_path / "a.csv", people))
    dead = [each | {"state": "DECEASED", "birth_date": "x"} for each in people[:3]]

    outcome = await run(write(tmp_path / "b.csv", [*dead, *people[3:]]))

    assert (outcome.deceased, outcome.unusual) == (3, ("deaths",))
    assert set((await states()).values()) == {"ACTIVE"}


async def test_the_report_of_a_stopped_file_tells_what_to_decide_by(tmp_path: Path) -> None:
    people = [person(number) for number in range(10)]
    people[8]["province"], people[8]["branch"] = "IR-23", ""
    await run(write(tmp_path / "a.csv", people))
    later = [
        people[0] | {"phone": "09350000001"},
        people[1] | {"state": "DECEASED"},
        people[2] | {"state": "INACTIVE"},
        people[3] | {"net_pension_rials": ""},
        people[4] | {"state": "DECEASED", "birth_date": "x"},
        people[5],
        people[6],
    ]  # the last three have vanished
    path = write(tmp_path / "b.csv", later)

    outcome = await run(path)

    assert outcome.unusual == ("deactivated", "renumbered", "deaths", "unpensioned", "invalid")
    assert report_of(path) == [
        ("6", "birth_date", "BAD_USER_INPUT"),
        ("2", "phone", "PHONE_CHANGES"),
        ("3", "state", "DECEASED_NOW"),
        ("6", "state", "DECEASED_NOW"),
        ("4", "state", "PENSION_STOPS"),
        ("5", "net_pension_rials", "PENSION_EMPTIED"),
        ("", "province", "VANISHES"),
        ("", "province", "VANISHES"),
        ("", "branch", "VANISHES"),
        ("", "association", "VANISHES"),
        ("", "", "SUMMARY"),
    ]
    text = path.with_name("b.report.csv").read_text(encoding="utf-8-sig")
    assert "۲ عضو فعال با کد IR-07" in text
    assert not any(each["pension_number"] in text for each in people)
    listed = path.with_name("b.vanished.csv")
    assert listed.stat().st_mode & 0o777 == 0o600
    with listed.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["member_id", "pension_number", "province", "branch", "association"]
    assert sorted(line[1:] for line in lines[1:]) == [
        [people[7]["pension_number"], "IR-07", "B12", "K3"],
        [people[8]["pension_number"], "IR-23", "", "K3"],
        [people[9]["pension_number"], "IR-07", "B12", "K3"],
    ]


async def test_who_accepts_a_file_is_named_and_kept(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]))
    path = write(tmp_path / "b.csv", [ROW])
    for name in ("", " \u200c", "x" * (importing.MAX_ACCEPTOR_CHARACTERS + 1)):
        with pytest.raises(MembershipAcceptorInvalid):
            await import_members(
                viewer=SYSTEM, path=path, prepare_worker=member_workers.prepare, accepted_by=name
            )

    await run(path, accept_unusual=True)

    [entry] = await database.fetch(
        "SELECT after FROM audit_entry WHERE action = 'members.import.accept_unusual'"
    )
    kept = orjson.loads(entry["after"])
    assert (kept["accepted_by"], kept["unusual"]) == (WHO, ["deactivated"])


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
        good.rstrip(): file_chunks.MembershipFileCutOff,
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
    for own, report in [("good.csv", "good.csv"), ("x.vanished.csv", "x.report.csv")]:
        (tmp_path / own).write_bytes(good)
        with pytest.raises(MembershipReportPathTaken):
            await import_members(
                viewer=SYSTEM,
                path=tmp_path / own,
                report_path=tmp_path / report,
                prepare_worker=member_workers.prepare,
            )


async def test_months_go_forward_and_an_undecided_file_yields(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]), month=140509)
    waiting = write(tmp_path / "b.csv", [ROW])
    assert (await run(waiting, month=140510)).needs_decision

    with pytest.raises(MembershipMonthPassed):
        await run(write(tmp_path / "c.csv", [SECOND]), month=140508)
    with pytest.raises(MembershipMonthDiffers):
        await run(waiting, month=140509)
    with pytest.raises(MembershipMonthAhead):
        await run(write(tmp_path / "e.csv", [SECOND]), month=140511)
    await run(write(tmp_path / "d.csv", [SECOND, ROW]), month=140510)

    assert await file_states() == ["DONE", "ABANDONED", "DONE"]
    assert await states() == {"10000001": "ACTIVE", "10000002": "ACTIVE"}


async def contents() -> dict[str, list[object]]:
    """Every row that an import might touch."""
    tables = (
        "member", "membership_file", "membership_chunk", "membership_row", "membership_problem", "audit_entry",
        "pgqueuer",
    )  # fmt: skip
    return {
        table: [
            tuple(row) for row in await database.fetch(f"SELECT * FROM {table} t ORDER BY t::text")
        ]
        for table in tables
    }


async def test_a_dry_run_touches_no_undecided_file_neither_its_own_nor_another(
    tmp_path: Path,
) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]))
    waiting = write(tmp_path / "b.csv", [ROW, ROW])
    await run(waiting)
    before = await contents()

    other = await run(
        write(tmp_path / "c.csv", [ROW, SECOND | {"phone": "", "city": "یزد"}]), dry_run=True
    )
    same = await run(waiting, dry_run=True)
    cut_off = tmp_path / "d.csv"
    cut_off.write_bytes(waiting.read_bytes() + b'"cut')
    with pytest.raises(sheets.SheetBroken):
        await run(cut_off, dry_run=True)

    assert await contents() == before
    assert (figures(other), other.needs_decision) == ((2, 0, 1, 1, 0, 0, 0), False)
    assert (figures(same), same.needs_decision) == ((2, 0, 0, 1, 1, 1, 0), True)
    assert await file_states() == ["DONE", "UNUSUAL"]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_an_import_that_runs_is_left_alone_by_others(
    tmp_path: Path, dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write(tmp_path / "a.csv", [ROW]), write(tmp_path / "b.csv", [SECOND])
    arrived, may_go = asyncio.Event(), asyncio.Event()
    count = repository_merge.count_changes

    async def wait(file_id: int) -> dict[str, int]:
        arrived.set()
        await may_go.wait()
        return await count(file_id)

    monkeypatch.setattr(repository_merge, "count_changes", wait)
    running = asyncio.create_task(run(first))
    await arrived.wait()
    for path in (first, second):
        with pytest.raises(MembershipImportRunning):
            await run(path, dry_run=dry_run)
    may_go.set()

    assert figures(await running) == (1, 1, 0, 0, 0, 0, 0)
    assert await file_states() == ["DONE"]
    assert figures(await run(second, dry_run=dry_run))[1] == 1  # the claim is free again


async def test_a_file_that_is_replaced_while_its_digest_is_taken_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = write(tmp_path / "a.csv", [ROW]), write(tmp_path / "b.csv", [SECOND])
    digest = file_chunks.sha256

    def digest_and_replace(taken: Path) -> bytes:
        found = digest(taken)
        other.replace(taken)
        return found

    monkeypatch.setattr(file_chunks, "sha256", digest_and_replace)

    with pytest.raises(MembershipFileChanged):
        await run(path)

    assert (await members(), await staged(), await file_states()) == ([], 0, [])


async def test_while_one_file_is_merged_no_other_begins(tmp_path: Path) -> None:
    await repository_files.insert_file(sha256=b"1" * 32, month=140509)
    await database.execute("UPDATE membership_file SET state = 'MERGING'")

    with pytest.raises(MembershipImportUnderway):
        await run(write(tmp_path / "a.csv", [ROW]))


async def interrupted(path: Path, at: str, times: int) -> None:
    """An import in a process of its own that kills itself, without a word, when it is there so many times."""
    script = f"""
import asyncio, os, signal
from datetime import datetime
from pathlib import Path
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db
from backend.members import file_chunks, file_reports, importing, merging, repository_files, repository_merge
from tests.support import member_workers, quick_workers

file_chunks.ROWS_A_CHUNK, merging.MERGE_ROWS, passed = 40, 20, []

def deadly(work):
    async def wrapped(*args, **kwargs):
        passed.append(1)
        result = await work(*args, **kwargs)
        if len(passed) == {times}:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

async def main():
    member_workers.prepare()
    await db.connect({await url()!r})
    with clock.frozen(datetime.fromisoformat({AZAR.isoformat()!r})):
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


@pytest.mark.parametrize(
    ("at", "times", "left"),
    [
        ("repository_files.insert_file", 1, None),
        ("repository_files.insert_chunk", 3, "STAGING"),
        ("repository_files.save_counts", 1, "STAGING"),
        ("repository_merge.merge_buckets", 3, "MERGING"),
        ("file_reports.write", 1, "MERGING"),
    ],
)
async def test_a_killed_import_goes_on_and_the_result_is_the_same(
    tmp_path: Path, at: str, times: int, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_chunks, "ROWS_A_CHUNK", 40)
    monkeypatch.setattr(merging, "MERGE_ROWS", 20)
    people = [person(number) for number in range(300)]
    await run(write(tmp_path / "a.csv", people))
    await database.execute("CREATE TABLE untouched AS SELECT * FROM member")
    later = [each | {"net_pension_rials": "9"} for each in people[1:]] + [person(900), person(900)]
    later[7]["phone"], later[8]["state"] = "09350000001", "DECEASED"
    path = write(tmp_path / "b.csv", later)

    whole = await run(path, month=140510)
    expected, lines = await members(), report_of(path)
    jobs_of_whole = await looked_at()
    await database.execute("DELETE FROM member")
    await database.execute("INSERT INTO member OVERRIDING SYSTEM VALUE SELECT * FROM untouched")
    await database.execute("DELETE FROM membership_file WHERE month = 140510")

    await interrupted(path, at, times)
    file, staged_rows = await repository_files.find_open_file(), await staged()
    outcome = await run(path, month=140510)

    assert (None if file is None else file.state) == left
    assert (staged_rows > 0) is (left is not None)
    assert figures(outcome) == figures(whole) == (301, 1, 299, 0, 1, 1, 1)
    assert await members() == expected
    numbers = [later[place]["pension_number"] for place in (7, 8)]
    assert sorted(chain.from_iterable(jobs_of_whole)) == sorted(numbers)
    assert sorted(chain.from_iterable(await looked_at())) == sorted(
        numbers
    )  # each once, killed or not
    assert report_of(path) == lines


async def test_staging_that_the_server_lost_is_made_anew_and_never_taken_for_emptiness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "MERGE_ROWS", 20)
    people = [person(number) for number in range(100)]
    path = write(tmp_path / "a.csv", people)
    merge = repository_merge.merge_buckets
    merged: list[int] = []

    async def merge_and_lose(file_id: int, first: int, beyond: int) -> list[int]:
        changed = await merge(file_id, first, beyond)
        merged.append(first)
        if len(merged) == 2:
            await repository_files.clear_staging()
        return changed

    monkeypatch.setattr(repository_merge, "merge_buckets", merge_and_lose)
    with pytest.raises(MembershipStagingLost):
        await run(path)
    monkeypatch.setattr(repository_merge, "merge_buckets", merge)
    outcome = await run(path)

    assert figures(outcome) == (100, 100, 0, 0, 0, 0, 0)
    assert set((await states()).values()) == {"ACTIVE"}
    assert len(await states()) == 100


async def test_what_was_refused_is_refused_again_where_the_staging_of_an_undecided_file_was_lost(
    tmp_path: Path,
) -> None:
    people = [person(number) for number in range(40)]
    await run(write(tmp_path / "a.csv", people))
    newcomer = person(90)
    path = write(
        tmp_path / "b.csv",
        [
            *(each | {"net_pension_rials": "1"} for each in people[:30]),
            *(each | {"net_pension_rials": "2"} for each in people[:30]),
            newcomer,
            newcomer | {"net_pension_rials": "2"},
        ],
    )
    stopped = await run(path)
    lines = report_of(path)
    await repository_files.clear_staging()

    again = await run(path)
    lines_again = report_of(path)
    await repository_files.clear_staging()
    outcome = await run(path, accept_unusual=True)

    assert stopped.needs_decision
    assert again.needs_decision
    assert lines_again == lines
    assert figures(outcome) == figures(stopped) == (62, 1, 30, 0, 31, 10, 0)
    pensions = [each["net_pension_rials"] for each in await members()]
    assert (pensions.count(1), pensions.count(2)) == (30, 0)
    repeated = [line for line in report_of(path) if line[2] == "REPEATED_NATIONAL_CODE"]
    assert [line[0] for line in repeated] == [*map(str, range(32, 62)), "63"]


async def test_an_undecided_file_is_counted_anew_before_it_is_accepted(tmp_path: Path) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]))
    path = write(tmp_path / "b.csv", [ROW])
    assert (await run(path)).deactivated == 1
    await database.execute("UPDATE member SET state = 'INACTIVE'")

    outcome = await run(path)

    assert not outcome.needs_decision
    assert (outcome.deactivated, outcome.changed) == (0, 1)


async def test_the_sessions_of_whom_are_looked_at(tmp_path: Path) -> None:
    people = [person(number) for number in range(6)]
    await run(write(tmp_path / "a.csv", [each | {"phone": ""} for each in people[:1]] + people[1:]))
    nobody = await looked_at()
    numbers = [each["pension_number"] for each in people]
    later = [
        people[0],  # the first phone that is known of this member
        people[1] | {"phone": "09350000001"},
        people[2] | {"state": "DECEASED"},
        people[3] | {"state": "INACTIVE", "phone": ""},
        people[4] | {"net_pension_rials": "7"},
    ]  # and the last has vanished
    await run(write(tmp_path / "b.csv", later), dry_run=True)
    tried = await looked_at()

    outcome = await run(write(tmp_path / "c.csv", later), accept_unusual=True)

    assert (nobody, tried) == ([], [])
    assert (outcome.phone_changed, outcome.deceased, outcome.deactivated) == (1, 1, 1)
    [batch] = await looked_at()
    assert sorted(batch) == sorted([numbers[1], numbers[2]])


async def test_a_job_holds_some_members_and_no_number_of_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MOST_IDS_A_JOB", 2)
    people = [person(number) for number in range(5)]
    await run(write(tmp_path / "a.csv", people))
    moved = [each | {"phone": f"0935000000{number}"} for number, each in enumerate(people)]

    await run(write(tmp_path / "b.csv", moved), accept_unusual=True)

    payloads = [row["payload"] for row in await database.fetch("SELECT payload FROM pgqueuer")]
    assert [list(orjson.loads(each)) for each in payloads] == [["member_ids"]] * 3
    batches = await looked_at()
    assert sorted(map(len, batches)) == [1, 2, 2]
    assert sorted(chain.from_iterable(batches)) == sorted(each["pension_number"] for each in people)


async def test_a_payload_of_the_most_members_with_the_longest_ids_fits() -> None:
    ids = [2**63 - 1] * domain.MOST_IDS_A_JOB

    async with database.transaction():
        assert await jobs.enqueue(domain.SESSIONS_STALE_JOB, {"member_ids": ids}) is not None


async def test_codes_of_units_that_do_not_exist_are_left_empty_with_a_warning(
    tmp_path: Path,
) -> None:
    await run(write(tmp_path / "a.csv", [ROW, SECOND]))
    path = write(
        tmp_path / "b.csv",
        [ROW | {"branch": "B13", "association": "K4"}, SECOND | {"branch": "b12"}],
    )

    tried = await run(path, dry_run=True)
    lines = report_of(path)
    outcome = await run(path)

    assert figures(outcome) == figures(tried) == (2, 0, 1, 1, 0, 0, 0)
    assert outcome.unknown_units == tried.unknown_units == 2
    assert (
        report_of(path)
        == lines
        == [
            ("2", "branch", "UNIT_UNKNOWN"),
            ("2", "association", "UNIT_UNKNOWN"),
            ("", "", "SUMMARY"),
        ]
    )
    first, second = await members()
    assert (first["branch_code"], first["association_code"]) == (None, None)
    assert (second["branch_code"], second["association_code"]) == ("B12", "K3")
    text = path.with_name("b.report.csv").read_text(encoding="utf-8-sig")
    assert "کد شعبه یا کانون ۲ خانه شناخته نشد و خالی ماند" in text
    assert "B13" not in text


async def test_many_unknown_units_are_counted_and_crowd_out_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_chunks, "ROWS_A_CHUNK", 5)
    monkeypatch.setattr(staging, "MAX_WARNINGS_KEPT", 5)
    monkeypatch.setattr(staging, "MAX_PROBLEMS_KEPT", 6)
    people = [person(number) | {"branch": "B99"} for number in range(20)]
    people[19]["birth_date"] = "x"
    path = write(tmp_path / "a.csv", people)

    outcome = await run(path, accept_unusual=True)

    assert (outcome.created, outcome.invalid, outcome.unknown_units) == (19, 1, 19)
    assert report_of(path) == [
        *((str(row), "branch", "UNIT_UNKNOWN") for row in range(2, 7)),
        ("21", "birth_date", "BAD_USER_INPUT"),
        ("", "", "SUMMARY"),
    ]
