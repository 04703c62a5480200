"""A phone that two of the staff have changed, and the membership files of the months after."""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest

from backend import composition
from backend.access import phone_change
from backend.approvals import executing, telling
from backend.approvals import service as approvals
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.members.file_rows import HEADER
from backend.members.importing import MembershipOutcome, import_members
from backend.settings import Settings
from tests.support import access, member_workers, operators, quick_workers, signing_in

AZAR = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)  # of 1405, the ninth month
OLD, BY_STAFF, THIRD = "+989171234567", "+989171230001", "+989171230002"
ROW = {
    "national_code": "0012345679",
    "first_name": "مریم",
    "last_name": "احمدی",
    "birth_date": "1330-05-12",
    "pension_number": "10000001",
    "pension_kind": "RETIREMENT",
    "state": "ACTIVE",
    "province": "IR-07",
    "net_pension_rials": "120000000",
}


@pytest.fixture(autouse=True)
async def scene(
    db: None, cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    del db, cache
    access.configure_keys()
    member_workers.prepare()
    operators.let_everybody_act()
    quick_workers.start_quickly(monkeypatch)
    composition.configure_sms(Settings(data_dir=tmp_path))
    with clock.frozen(AZAR):
        yield
    await sms.close()


async def merged(path: Path, phone: str, **cells: str) -> MembershipOutcome:
    """Merge a file of one row that says this number; with `cells` it is another file than one that says the same."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(HEADER))
        writer.writeheader()
        writer.writerow(ROW | {"phone": phone} | cells)
    return await import_members(
        viewer=SYSTEM,
        path=path,
        prepare_worker=member_workers.prepare,
        month=140509,
        accepted_by="سرپرست عضویت",  # of one member, one is too many
    )


async def change_by_staff(phone: str) -> int:
    """Two of the staff change the number; gives the member's id."""
    (member,) = await database.fetch("SELECT id FROM member")
    asked = await phone_change.ask_phone_change(
        viewer=operators.operator(1, Role.SUPPORT),
        member_id=member["id"],
        phone=phone,
        reason="سیم‌کارت گم شد",
    )
    if asked.tell_count:
        await telling.note(asked.id, 0, is_told=True)
    with clock.frozen(clock.now() + timedelta(hours=72)):
        await approvals.grant(viewer=operators.operator(2, Role.SUPPORT), approval_id=asked.id)
        await executing.execute(asked.id)
    assert (await phones())[0] == phone
    await signing_in.run_jobs()
    return int(member["id"])


async def phones() -> tuple[str | None, str | None]:
    """The member's number, and the one that it replaced."""
    (row,) = await database.fetch("SELECT phone, replaced_file_phone FROM member")
    return row["phone"], row["replaced_file_phone"]


async def looked_at() -> list[int]:
    """The members whose sessions a job will look at."""
    rows = await database.fetch(
        "SELECT payload FROM pgqueuer WHERE entrypoint = 'access.end_stale_sessions'"
    )
    return [each for row in rows for each in orjson.loads(row["payload"])["member_ids"]]


async def kept() -> int:
    (row,) = await database.fetch(
        "SELECT (counts->>'phones_kept')::int AS many FROM membership_file ORDER BY id DESC LIMIT 1"
    )
    return int(row["many"])


async def test_a_file_that_says_again_what_the_staff_replaced_changes_nothing(
    tmp_path: Path,
) -> None:
    await merged(tmp_path / "a.csv", OLD)
    member_id = await change_by_staff(BY_STAFF)
    session = await access.signed_in(member_id)

    outcome = await merged(tmp_path / "b.csv", OLD, city="شیراز")
    again = await merged(tmp_path / "c.csv", OLD, city="شیراز", other_deductions_rials="0")

    assert (outcome.changed, outcome.phone_changed, again.changed, again.unchanged) == (1, 0, 0, 1)
    assert await phones() == (BY_STAFF, OLD)
    assert await kept() == 1
    assert await looked_at() == []
    (row,) = await database.fetch(
        "SELECT ended_at FROM session WHERE public_id = $1", session.session_id
    )
    assert row["ended_at"] is None


async def test_a_file_that_says_another_number_than_before_wins_and_ends_sessions(
    tmp_path: Path,
) -> None:
    await merged(tmp_path / "a.csv", OLD)
    member_id = await change_by_staff(BY_STAFF)
    session = await access.signed_in(member_id)

    outcome = await merged(tmp_path / "b.csv", THIRD)

    assert (outcome.changed, outcome.phone_changed) == (1, 1)
    assert (await phones(), await kept()) == ((THIRD, None), 0)
    assert await looked_at() == [member_id]
    await signing_in.run_jobs()
    (row,) = await database.fetch(
        "SELECT ended_at IS NOT NULL AS is_ended FROM session WHERE public_id = $1",
        session.session_id,
    )
    assert row["is_ended"]
    # And from here on it is the file's number again.
    assert (await merged(tmp_path / "c.csv", OLD, city="شیراز")).phone_changed == 1
    assert await phones() == (OLD, None)


async def test_a_file_that_has_learned_the_number_of_the_staff_ends_nothing(tmp_path: Path) -> None:
    await merged(tmp_path / "a.csv", OLD)
    await change_by_staff(BY_STAFF)

    assert (await merged(tmp_path / "b.csv", BY_STAFF)).phone_changed == 0

    assert (await phones(), await looked_at()) == ((BY_STAFF, None), [])
    assert (await merged(tmp_path / "c.csv", OLD, city="شیراز")).phone_changed == 1
    assert await phones() == (OLD, None)


async def test_an_empty_cell_forgets_nothing(tmp_path: Path) -> None:
    await merged(tmp_path / "a.csv", OLD)
    await change_by_staff(BY_STAFF)

    await merged(tmp_path / "b.csv", "", city="شیراز")

    assert await phones() == (BY_STAFF, OLD)


async def test_of_two_changes_by_the_staff_the_file_s_number_is_remembered(tmp_path: Path) -> None:
    await merged(tmp_path / "a.csv", OLD)
    await change_by_staff(BY_STAFF)
    await change_by_staff(THIRD)
    assert await phones() == (THIRD, OLD)

    await change_by_staff(OLD)

    assert await phones() == (OLD, None)


async def test_where_no_file_has_said_a_number_the_first_one_that_does_wins(tmp_path: Path) -> None:
    await merged(tmp_path / "a.csv", "")
    await change_by_staff(BY_STAFF)
    assert await phones() == (BY_STAFF, None)

    assert (await merged(tmp_path / "b.csv", OLD)).phone_changed == 1

    assert await phones() == (OLD, None)


async def test_the_database_keeps_no_replaced_number_beside_the_same_one(tmp_path: Path) -> None:
    await merged(tmp_path / "a.csv", OLD)

    for change in ("replaced_file_phone = phone", "replaced_file_phone = '0917'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await database.execute(f"UPDATE member SET {change}")

    assert await phones() == (OLD, None)
