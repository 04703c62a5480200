"""Sessions that nobody asks about: of members with another phone, of the dead, and long ended ones."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from backend.access import domain, jobs, service, sessions, upkeep
from backend.access.domain import DeviceGiven, DevicePlatform, EndReason, Issued
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra import tokens
from backend.infra.jobs import registered
from backend.members.domain import SESSIONS_STALE_JOB
from backend.notifications import service as notifications
from tests.support.access import configure_keys, new_grant, new_member, signed_in

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
NEW_PHONE = "+989350000001"
TABLET = DeviceGiven("tablet", "تبلت", DevicePlatform.ANDROID)


@pytest.fixture(autouse=True)
def keys(db: None) -> None:
    """Keys for the tokens, and the database."""
    del db
    configure_keys()


async def change(member_id: int, *, phone: str | None = None, state: str | None = None) -> None:
    """What a membership file writes."""
    await database.execute(
        "UPDATE member SET phone = coalesce($2, phone), state = coalesce($3, state) WHERE id = $1",
        member_id,
        phone,
        state,
    )


async def run_job(*member_ids: int) -> None:
    await registered()[SESSIONS_STALE_JOB].handler({"member_ids": list(member_ids)})


async def opened_by(phone: str, member_id: int) -> Issued:
    return await sessions.open_session(member_id=member_id, device=TABLET, grant=new_grant(phone))


async def reasons(of: Sequence[Issued]) -> list[str | None]:
    rows = await database.fetch("SELECT public_id, end_reason FROM session")
    found = {row["public_id"]: row["end_reason"] for row in rows}
    return [found[each.session_id] for each in of]


async def inbox(member_id: int) -> list[tuple[str, str]]:
    page = await notifications.list_notices(
        viewer=sessions.viewer_of(member_id), first=10, after=None
    )
    return [(each.category, each.title) for each in page.items]


async def test_another_phone_ends_what_the_former_one_opened_and_the_member_is_told_once() -> None:
    member_id, other_id = await new_member(), await new_member(locale="en")
    before = [await signed_in(member_id), await signed_in(member_id, "device-2")]
    untouched = await signed_in(other_id)
    await change(member_id, phone=NEW_PHONE)
    since = await opened_by(NEW_PHONE, member_id)  # before the job runs

    for _ in range(2):  # it runs at least once
        await run_job(member_id, other_id)

    assert await reasons([*before, since, untouched]) == [
        "PHONE_CHANGED",
        "PHONE_CHANGED",
        None,
        None,
    ]
    assert await inbox(member_id) == [("SECURITY", "شمارهٔ تلفن همراه شما تغییر کرد")]
    assert await inbox(other_id) == []
    for ended in before:
        with pytest.raises(tokens.TokenInvalid):
            await service.viewer_of_token(ended.access_token)
        with pytest.raises(domain.SessionInvalid):
            await service.session_refresh(refresh_token=ended.refresh_token, device_id="device-1")
    assert (await service.viewer_of_token(since.access_token)).subject == member_id
    trail = await database.fetch("SELECT actor, after->>'end_reason' AS reason FROM audit_entry")
    assert [tuple(row.values()) for row in trail] == [("system", "PHONE_CHANGED")] * 2


async def test_a_phone_that_is_what_it_was_ends_nothing() -> None:
    member_id = await new_member()
    issued = await signed_in(member_id)

    await run_job(member_id)

    assert await reasons([issued]) == [None]
    assert await inbox(member_id) == []


async def test_who_has_no_session_is_told_nothing() -> None:
    member_id = await new_member()
    await change(member_id, phone=NEW_PHONE)

    await run_job(member_id)

    assert await inbox(member_id) == []


async def test_a_session_of_before_phones_were_kept_ends_as_well() -> None:
    member_id = await new_member()
    issued = await signed_in(member_id)
    await database.execute("UPDATE session SET phone_index = NULL")
    await change(member_id, phone=NEW_PHONE)

    await run_job(member_id)

    assert await reasons([issued]) == ["PHONE_CHANGED"]


async def test_the_sessions_of_the_dead_end_and_nobody_is_told() -> None:
    member_id = await new_member()
    issued = await signed_in(member_id)
    await change(member_id, state="DECEASED")

    for _ in range(2):
        await run_job(member_id)

    assert await reasons([issued]) == ["FILE_CLOSED"]
    assert await inbox(member_id) == []
    with pytest.raises(tokens.TokenInvalid):
        await service.viewer_of_token(issued.access_token)


@pytest.mark.parametrize("state", ["INACTIVE", "FROZEN"])
async def test_who_gets_no_pension_or_is_frozen_stays_signed_in(state: str) -> None:
    member_id = await new_member()
    issued = await signed_in(member_id)
    await change(member_id, state=state)

    await run_job(member_id)

    following = await service.session_refresh(
        refresh_token=issued.refresh_token, device_id="device-1"
    )
    assert (await service.viewer_of_token(following.access_token)).subject == member_id


async def test_members_are_looked_at_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "MEMBERS_A_STEP", 2)
    members = [await new_member() for _ in range(5)]
    issued = [await signed_in(each) for each in members]
    for number, each in enumerate(members):
        await change(each, phone=f"+98935000001{number}")

    assert await upkeep.end_stale_sessions([*members, 2**62]) == 5
    assert await reasons(issued) == ["PHONE_CHANGED"] * 5


async def test_a_sign_in_by_the_former_phone_that_is_under_way_is_waited_for_and_ended() -> None:
    member_id = await new_member()
    old = await database.fetch_one("SELECT phone FROM member WHERE id = $1", member_id)
    assert old is not None
    opened, go_on = asyncio.Event(), asyncio.Event()

    async def sign_in() -> Issued:
        async with database.transaction():
            await sessions.hold_openings(member_id=member_id)
            issued = await opened_by(old["phone"], member_id)
            opened.set()
            await go_on.wait()
            return issued

    signing_in = asyncio.create_task(sign_in())
    await opened.wait()
    await change(member_id, phone=NEW_PHONE)  # a file's merge does not wait for it
    ending = asyncio.create_task(run_job(member_id))
    async with asyncio.timeout(60):
        while not await database.fetch(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ):
            pass
    go_on.set()

    await ending
    assert await reasons([await signing_in]) == ["PHONE_CHANGED"]


async def stored() -> list[str]:
    return [row["device_id"] for row in await database.fetch("SELECT device_id FROM session")]


async def test_sessions_are_deleted_some_time_after_they_ended_or_expired() -> None:
    member_id = await new_member()
    with clock.frozen(NOW):
        for name in ("expired", "ended"):
            await signed_in(member_id, name)
    with clock.frozen(NOW + DAY):
        for name in ("expired-later", "ended-later"):
            await signed_in(member_id, name)
    ends = {"ended": NOW + 90 * DAY, "ended-later": NOW + 91 * DAY}
    for name, at in ends.items():
        await database.execute(
            "UPDATE session SET ended_at = $2, end_reason = 'REVOKED' WHERE device_id = $1",
            name,
            at,
        )
    trail = await database.fetch("SELECT * FROM audit_entry")

    with clock.frozen(NOW + 120 * DAY):
        early = await upkeep.prune_sessions(keep=30 * DAY)
    with clock.frozen(NOW + 120 * DAY + timedelta(seconds=1)):
        deleted = await upkeep.prune_sessions(keep=30 * DAY)

    assert (early, deleted) == (0, 2)
    assert sorted(await stored()) == ["ended-later", "expired-later"]
    assert await database.fetch("SELECT * FROM audit_entry") == trail


async def test_a_live_session_is_never_deleted_and_the_trail_outlives_the_others() -> None:
    member_id = await new_member()
    live, gone = await signed_in(member_id, "live"), await signed_in(member_id, "gone")
    await sessions.end(
        [gone.session_id], viewer=SYSTEM, member_id=member_id, reason=EndReason.REVOKED
    )

    with clock.frozen(clock.now() + 2 * DAY):
        assert await upkeep.prune_sessions(keep=DAY) == 1

    assert await stored() == ["live"]
    row = await database.fetch_one("SELECT action, object_id FROM audit_entry")
    assert row is not None
    assert tuple(row.values()) == ("access.session_end", str(gone.session_id))
    with pytest.raises(domain.SessionInvalid):  # as of any other ended session
        await service.session_refresh(refresh_token=gone.refresh_token, device_id="gone")
    await service.session_refresh(refresh_token=live.refresh_token, device_id="live")


async def test_pruning_goes_in_bounded_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PRUNED_A_BATCH", 2)
    monkeypatch.setattr(upkeep, "MOST_BATCHES", 2)
    member_id = await new_member()
    with clock.frozen(NOW):
        for number in range(7):
            await signed_in(member_id, f"device-{number}")

    with clock.frozen(NOW + 365 * DAY), database.count_statements() as sent:
        first = await upkeep.prune_sessions(keep=DAY)
    with clock.frozen(NOW + 365 * DAY):
        second = await upkeep.prune_sessions(keep=DAY)

    assert (first, second) == (4, 3)
    assert sent.count == 1 + 1 + 2  # no device to silence, none ended, two batches
    assert await stored() == []


async def test_the_pruning_is_scheduled_with_the_retention_of_the_settings() -> None:
    jobs.schedule_pruning(keep_days=3)
    member_id = await new_member()
    with clock.frozen(NOW):
        await signed_in(member_id)
    prune = registered()["access.prune_sessions"].handler

    with clock.frozen(NOW + 93 * DAY):
        await prune({})
    before = await stored()
    with clock.frozen(NOW + 93 * DAY + timedelta(seconds=1)):
        await prune({})

    assert (before, await stored()) == (["device-1"], [])
