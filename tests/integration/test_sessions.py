"""Sessions on a real database: refreshes that are lost, repeated, raced and stolen."""

import asyncio
import contextlib
import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from backend.access import domain, families, service, sessions
from backend.access.domain import EndReason, Issued
from backend.core import clock
from backend.core.errors import Forbidden, NotFound, RateLimited, Unauthenticated
from backend.core.viewer import ANONYMOUS, SYSTEM
from backend.infra import db as database
from backend.infra import tokens
from backend.notifications import service as notifications
from tests.support.access import configure_keys, new_member, signed_in

NOW = datetime(2026, 11, 21, 8, 30, 15, 250_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
IDEMPOTENCY_KEY = uuid.UUID("11111111-2222-4333-8444-555555555555")


class Failure(Exception):
    """What makes a transaction roll back in these tests."""


@pytest.fixture(autouse=True)
def keys(db: None) -> None:
    """Keys for the tokens, and the database."""
    del db
    configure_keys()


@pytest.fixture
async def member_id() -> int:
    return await new_member()


async def refresh(
    token: str, *, device_id: str = "device-1", key: uuid.UUID | None = None
) -> Issued:
    return await service.session_refresh(
        refresh_token=token, device_id=device_id, idempotency_key=key
    )


async def refused(token: str, *, device_id: str = "device-1") -> None:
    with pytest.raises(domain.SessionInvalid):
        await refresh(token, device_id=device_id)


async def end_reason(issued: Issued) -> str | None:
    row = await database.fetch_one(
        "SELECT end_reason FROM session WHERE public_id = $1", issued.session_id
    )
    assert row is not None
    reason: str | None = row["end_reason"]
    return reason


async def trail() -> list[tuple[object, ...]]:
    rows = await database.fetch(
        "SELECT actor, subject_member_id, action, object_id, after->>'end_reason' AS reason"
        " FROM audit_entry ORDER BY id"
    )
    return [tuple(row.values()) for row in rows]


async def inbox(member_id: int) -> list[tuple[str, str, str]]:
    page = await notifications.list_notices(
        viewer=sessions.viewer_of(member_id), first=10, after=None
    )
    return [(each.category, each.title, each.body) for each in page.items]


async def stored() -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in await database.fetch("SELECT * FROM session")]


async def test_a_sign_in_gives_both_tokens(member_id: int) -> None:
    with clock.frozen(NOW):
        issued = await signed_in(member_id)
        identity = await service.identity_of_token(issued.access_token)

    assert issued.member_id == member_id
    assert issued.access_token_expires_at == datetime(2026, 11, 21, 8, 40, 15, tzinfo=UTC)
    claims = tokens.verify(issued.access_token, at=NOW)
    assert (claims.subject, claims.session) == (member_id, issued.session_id)
    assert claims.expires_at == issued.access_token_expires_at
    assert identity.session_id == issued.session_id
    assert identity.viewer == sessions.viewer_of(member_id)
    assert identity.viewer.subject == member_id
    assert identity.viewer.may("member.self")


async def test_nothing_but_a_hash_of_a_refresh_token_is_stored(member_id: int) -> None:
    issued = await signed_in(member_id)
    following = await refresh(issued.refresh_token)

    row = await database.fetch_one("SELECT session::text AS all, digests FROM session")
    assert row is not None
    assert row["digests"] == [
        hashlib.sha256(each.refresh_token.encode()).digest() for each in (issued, following)
    ]
    for each in (issued, following):
        assert each.refresh_token not in row["all"]
        assert each.refresh_token[30:60] not in row["all"]


async def test_a_refresh_gives_a_new_pair_of_the_same_session(member_id: int) -> None:
    with clock.frozen(NOW):
        issued = await signed_in(member_id)
    with clock.frozen(NOW + timedelta(minutes=11)):
        following = await refresh(issued.refresh_token)
        viewer = await service.viewer_of_token(following.access_token)

    assert following.session_id == issued.session_id
    assert following.member_id == member_id
    assert following.refresh_token != issued.refresh_token
    assert following.access_token_expires_at == datetime(2026, 11, 21, 8, 51, 15, tzinfo=UTC)
    assert viewer.subject == member_id


async def test_a_refresh_costs_two_statements(member_id: int) -> None:
    issued = await signed_in(member_id)

    with database.count_statements() as counter:
        await refresh(issued.refresh_token)

    assert counter.count == 2, counter.statements


@pytest.mark.parametrize("key", [None, IDEMPOTENCY_KEY])
async def test_a_lost_answer_is_given_again(member_id: int, key: uuid.UUID | None) -> None:
    with clock.frozen(NOW):
        issued = await signed_in(member_id)
        lost = await refresh(issued.refresh_token, key=key)
    with clock.frozen(NOW + timedelta(days=40)):
        again = await refresh(issued.refresh_token, key=key)
        last = await refresh(again.refresh_token)

    assert again.refresh_token == lost.refresh_token
    assert last.refresh_token != again.refresh_token
    assert await inbox(member_id) == []


async def test_another_idempotency_key_changes_nothing(member_id: int) -> None:
    issued = await signed_in(member_id)
    following = await refresh(issued.refresh_token, key=IDEMPOTENCY_KEY)
    before = await stored()

    with pytest.raises(domain.RefreshKeyMismatch):
        await refresh(issued.refresh_token, key=uuid.uuid4())

    assert await stored() == before
    again = await refresh(issued.refresh_token, key=IDEMPOTENCY_KEY)
    assert again.refresh_token == following.refresh_token


@pytest.mark.parametrize("key", [None, IDEMPOTENCY_KEY])
async def test_simultaneous_refreshes_of_one_token_give_one_successor(
    member_id: int, key: uuid.UUID | None
) -> None:
    issued = await signed_in(member_id)

    answers = await asyncio.gather(*(refresh(issued.refresh_token, key=key) for _ in range(8)))

    assert len({answer.refresh_token for answer in answers}) == 1
    row = await database.fetch_one("SELECT generation, ended_at FROM session")
    assert row is not None
    assert tuple(row.values()) == (1, None)


async def test_a_refresh_waits_for_another_connection_that_refreshes_the_same_token(
    member_id: int,
) -> None:
    issued = await signed_in(member_id)
    held, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> Issued:
        async with database.transaction():
            answer = await refresh(issued.refresh_token)
            held.set()
            await go_on.wait()
            return answer

    one = asyncio.create_task(first())
    await held.wait()
    other = asyncio.create_task(refresh(issued.refresh_token))
    await _until_a_lock_is_waited_for()
    go_on.set()

    assert (await one).refresh_token == (await other).refresh_token


async def _until_a_lock_is_waited_for() -> None:
    async with asyncio.timeout(60):
        while not await database.fetch(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            pass


async def test_a_refresh_that_is_rolled_back_has_not_happened(member_id: int) -> None:
    issued = await signed_in(member_id)

    with contextlib.suppress(Failure):
        async with database.transaction():
            lost = await refresh(issued.refresh_token)
            raise Failure
    again = await refresh(issued.refresh_token)
    assert again.refresh_token == lost.refresh_token


async def test_an_old_token_ends_the_session_and_the_member_is_told(member_id: int) -> None:
    with clock.frozen(NOW):
        issued = await signed_in(member_id)
        second = await refresh(issued.refresh_token)
        newest = await refresh(second.refresh_token)
    with clock.frozen(NOW + 61 * SECOND):
        await refused(issued.refresh_token)
        await refused(newest.refresh_token)
        with pytest.raises(tokens.TokenInvalid):
            await service.viewer_of_token(newest.access_token)

    assert await end_reason(issued) == "REUSED"
    assert await trail() == [
        ("system", member_id, "access.session_end", str(issued.session_id), "REUSED")
    ]
    assert await inbox(member_id) == [
        (
            "SECURITY",
            "از یک دستگاه خارج شدید",
            (
                "نشست شما روی دستگاه «گوشی مریم» بسته شد، چون نشانهٔ ورود آن دوباره یا از دستگاه دیگری به کار رفت."
                " اگر کار شما نبوده است، از فهرست نشست‌ها بقیه را هم ببندید."
            ),
        )
    ]


async def test_the_member_is_told_in_the_own_language() -> None:
    member_id = await new_member(locale="en")
    issued = await signed_in(member_id, name="")

    await refused(issued.refresh_token, device_id="device-2")

    assert await inbox(member_id) == [
        (
            "SECURITY",
            "You were signed out on a device",
            (
                "Your session on “unnamed” was ended, because its sign-in token was used again, or from another"
                " device. If that was not you, end the others in the list of sessions, too."
            ),
        )
    ]


async def test_an_old_token_is_answered_for_60_s_after_its_successor_was_used(
    member_id: int,
) -> None:
    with clock.frozen(NOW):
        issued = await signed_in(member_id)
        second = await refresh(issued.refresh_token)
        newest = await refresh(second.refresh_token)
    with clock.frozen(NOW + 60 * SECOND):
        again = await refresh(issued.refresh_token)
        also_again = await refresh(second.refresh_token)

    assert again.refresh_token == second.refresh_token
    assert also_again.refresh_token == newest.refresh_token
    assert await end_reason(issued) is None


@pytest.mark.parametrize("number", [0, 1, 2])
async def test_each_token_from_another_device_ends_the_session(member_id: int, number: int) -> None:
    given_out = [await signed_in(member_id)]
    for _ in range(2):
        given_out.append(await refresh(given_out[-1].refresh_token))

    await refused(given_out[number].refresh_token, device_id="device-2")

    assert await end_reason(given_out[0]) == "REUSED"
    await refused(given_out[-1].refresh_token)
    assert len(await inbox(member_id)) == 1


async def test_the_other_sessions_of_a_member_outlive_a_theft(member_id: int) -> None:
    stolen = await signed_in(member_id)
    other = await signed_in(member_id, "device-2")

    await refused(stolen.refresh_token, device_id="device-3")

    assert (await refresh(other.refresh_token, device_id="device-2")).member_id == member_id


@pytest.mark.parametrize("token", ["", "x", "A" * 91, "=" * 91, "ا" * 91, "A" * 10_000])
async def test_garbage_changes_nothing(member_id: int, token: str) -> None:
    await signed_in(member_id)
    before = await stored()

    await refused(token)

    assert await stored() == before


async def test_a_token_of_a_session_that_is_gone_is_refused(member_id: int) -> None:
    issued = await signed_in(member_id)
    await database.execute("DELETE FROM session")

    await refused(issued.refresh_token)


@pytest.mark.parametrize("device_id", ["", "دستگاه", "x" * 129])
async def test_a_malformed_device_id_changes_nothing(member_id: int, device_id: str) -> None:
    issued = await signed_in(member_id)

    with pytest.raises(domain.DeviceInvalid):
        await refresh(issued.refresh_token, device_id=device_id)

    assert await end_reason(issued) is None


async def test_a_session_lives_for_90_days_however_often_it_is_refreshed(member_id: int) -> None:
    with clock.frozen(NOW):
        token = (await signed_in(member_id)).refresh_token
    for days in range(1, 90, 8):
        with clock.frozen(NOW + timedelta(days=days)):
            token = (await refresh(token)).refresh_token
    with clock.frozen(NOW + timedelta(days=90) - 60 * SECOND):
        last = await refresh(token)
    with clock.frozen(NOW + timedelta(days=90)), pytest.raises(domain.SessionExpired):
        await refresh(last.refresh_token)

    assert last.access_token_expires_at == (NOW + timedelta(days=90)).replace(microsecond=0)
    assert await end_reason(last) is None


async def test_too_many_refreshes_a_minute_are_put_off(member_id: int) -> None:
    with clock.frozen(NOW):
        token = (await signed_in(member_id)).refresh_token
        for _ in range(families.MAX_GENERATIONS - 1):
            token = (await refresh(token)).refresh_token
        with pytest.raises(RateLimited) as put_off:
            await refresh(token)
    with clock.frozen(NOW + 61 * SECOND):
        await refresh(token)

    assert put_off.value.retry_after_seconds == 61


async def test_the_list_shows_live_sessions_the_last_seen_first(member_id: int) -> None:
    with clock.frozen(NOW):
        one = await signed_in(member_id, "device-1", "Pixel 9")
        two = await signed_in(member_id, "device-2", "آیفون")
        ended = await signed_in(member_id, "device-3")
        await signed_in(await new_member(), "device-4")
        await sessions.end(
            [ended.session_id], viewer=SYSTEM, member_id=member_id, reason=EndReason.REVOKED
        )
    with clock.frozen(NOW + SECOND):
        await refresh(one.refresh_token)
        listed = await service.list_sessions(
            viewer=sessions.viewer_of(member_id), session_id=two.session_id
        )

    assert [
        (each.device_name, each.platform, each.created_at, each.last_seen_at, each.is_current)
        for each in listed
    ] == [
        ("Pixel 9", "ANDROID", NOW, NOW + SECOND, False),
        ("آیفون", "ANDROID", NOW, NOW, True),
    ]
    with clock.frozen(NOW + timedelta(days=90)):
        assert (
            await service.list_sessions(viewer=sessions.viewer_of(member_id), session_id=None) == ()
        )


async def test_a_member_signs_out(member_id: int) -> None:
    issued = await signed_in(member_id)
    other = await signed_in(member_id, "device-2")
    viewer = sessions.viewer_of(member_id)

    for _ in range(2):  # the answer may have been lost
        await service.session_end(viewer=viewer, session_id=issued.session_id)

    await refused(issued.refresh_token)
    with pytest.raises(tokens.TokenInvalid):
        await service.viewer_of_token(issued.access_token)
    assert (await service.viewer_of_token(other.access_token)).subject == member_id
    assert await end_reason(issued) == "SIGNED_OUT"
    assert await trail() == [
        (
            f"member:{member_id}",
            member_id,
            "access.session_end",
            str(issued.session_id),
            "SIGNED_OUT",
        )
    ]
    assert await inbox(member_id) == []


async def test_a_member_ends_another_of_the_own_sessions(member_id: int) -> None:
    issued = await signed_in(member_id)
    viewer = sessions.viewer_of(member_id)
    (listed,) = await service.list_sessions(viewer=viewer, session_id=None)

    for _ in range(2):
        await service.session_revoke(viewer=viewer, session_key=listed.id)

    await refused(issued.refresh_token)
    assert await end_reason(issued) == "REVOKED"
    assert len(await trail()) == 1


async def test_nobody_ends_a_session_of_somebody_else(member_id: int) -> None:
    issued = await signed_in(member_id)
    (listed,) = await service.list_sessions(viewer=sessions.viewer_of(member_id), session_id=None)
    stranger = sessions.viewer_of(await new_member())

    for session_key in (listed.id, listed.id + 1):
        with pytest.raises(NotFound):
            await service.session_revoke(viewer=stranger, session_key=session_key)
    await service.session_end(viewer=stranger, session_id=issued.session_id)

    assert await end_reason(issued) is None
    assert (await service.viewer_of_token(issued.access_token)).subject == member_id


async def test_sessions_are_for_members_alone(member_id: int) -> None:
    issued = await signed_in(member_id)

    for viewer, refusal in ((ANONYMOUS, Unauthenticated), (SYSTEM, Forbidden)):
        with pytest.raises(refusal):
            await service.list_sessions(viewer=viewer, session_id=None)
        with pytest.raises(refusal):
            await service.session_end(viewer=viewer, session_id=issued.session_id)
        with pytest.raises(refusal):
            await service.session_revoke(viewer=viewer, session_key=1)
    assert await end_reason(issued) is None


async def test_all_sessions_of_a_member_end_at_once(member_id: int) -> None:
    opened = [await signed_in(member_id, f"device-{number}") for number in range(3)]
    other = await signed_in(await new_member())

    await sessions.end_all(viewer=SYSTEM, member_id=member_id, reason=EndReason.PHONE_CHANGED)

    assert [await end_reason(each) for each in opened] == ["PHONE_CHANGED"] * 3
    assert await end_reason(other) is None


async def test_a_member_has_20_sessions_at_most(member_id: int) -> None:
    opened = []
    for number in range(domain.MAX_SESSIONS + 1):
        with clock.frozen(NOW + number * SECOND):
            opened.append(await signed_in(member_id, f"device-{number}"))

    assert [await end_reason(each) for each in opened] == ["CROWDED_OUT"] + [None] * 20


async def test_a_sign_in_that_is_rolled_back_leaves_no_session(member_id: int) -> None:
    with contextlib.suppress(Failure):
        async with database.transaction():
            issued = await signed_in(member_id)
            raise Failure
    assert await stored() == []
    await refused(issued.refresh_token)
