"""Operators sign in: what is right, what is wrong, how guesses are slowed down, and that nobody is locked out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from backend.access import (
    confirming,
    guesses,
    operators,
    service,
    staff_policy,
    staff_sessions,
    totp,
)
from backend.access.domain import SessionInvalid
from backend.access.staff import StaffEndReason, StaffIssued
from backend.access.staff_policy import StaffPolicy
from backend.access.staff_refusals import (
    CredentialsInvalid,
    StaffSessionExpired,
    StaffSessionInvalid,
)
from backend.core import clock
from backend.core.errors import RateLimited, Unavailable
from backend.core.permissions import Permission, Role
from backend.core.viewer import SYSTEM, ActorKind, ReauthenticationNeeded, Viewer
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.infra import tokens
from backend.infra.tokens import Bearer, TokenInvalid
from tests.support import signing_in
from tests.support import staff as support
from tests.support.access import configure_keys, new_member, signed_in
from tests.support.staff import ADDRESS, DEVICE, PASSWORD, Colleague

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
STEP = timedelta(seconds=30)
ELSEWHERE = "198.51.100.9"
POLICY = StaffPolicy()
IDLE = POLICY.idle_of(Bearer.OPERATOR)


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    with clock.frozen(NOW):
        yield
    staff_policy.configure(POLICY)


@pytest.fixture
async def sara() -> Colleague:
    return await support.new_operator(Role.SUPPORT, user_name="sara")


async def wrong(
    colleague: Colleague,
    *,
    password: str | None = None,
    code: str | None = None,
    user_name: str | None = None,
    device_id: str | None = DEVICE,
    address: str = ADDRESS,
) -> None:
    with pytest.raises(CredentialsInvalid):
        await support.sign_in(
            colleague,
            password=password,
            code=code,
            user_name=user_name,
            device_id=device_id,
            address=address,
        )


async def trail(action: str) -> list[tuple[object, ...]]:
    rows = await database.fetch(
        "SELECT actor, object_id, after FROM audit_entry WHERE action = $1 ORDER BY id", action
    )
    return [tuple(row.values()) for row in rows]


async def test_an_operator_signs_in_as_what_the_account_says(sara: Colleague) -> None:
    found = await support.sign_in(sara)

    viewer = found.viewer
    assert (viewer.kind, viewer.actor) == (ActorKind.OPERATOR, f"operator:{sara.id}")
    assert viewer.roles == {Role.SUPPORT}
    assert Permission.MEMBERS_PHONE_CHANGE in viewer.permissions
    assert Permission.OPERATORS_MANAGE not in viewer.permissions
    assert (viewer.created_by, viewer.office, viewer.scope.nation) == ("system", "شعبهٔ یک", True)
    viewer.require_recent()
    identity = await service.identity_of_token(found.issued.access_token)
    assert identity.viewer == viewer
    assert [row[:2] for row in await trail("operator.sign_in")] == [
        (f"operator:{sara.id}", str(sara.id))
    ]


async def test_an_operators_token_is_of_an_audience_of_its_own(sara: Colleague) -> None:
    found = await support.sign_in(sara)

    claims = tokens.verify(found.issued.access_token, at=NOW)

    assert (claims.bearer, claims.subject) == (Bearer.OPERATOR, sara.id)


async def test_whatever_is_wrong_is_refused_alike(sara: Colleague) -> None:
    await wrong(sara, password="x" * 12)
    await wrong(sara, code="000000")
    await wrong(sara, user_name="nobody")
    await wrong(sara, user_name="!!")

    failures = await trail("operator.sign_in_failed")
    assert [row[0] for row in failures] == ["anonymous"] * 4
    assert [row[1] for row in failures[:2]] == [str(sara.id)] * 2
    assert "nobody" not in str(failures)


async def test_a_one_time_password_is_good_once_and_for_a_step_around_now(sara: Colleague) -> None:
    code = sara.code(NOW - STEP)
    await support.sign_in(sara, code=code)

    await wrong(sara, code=code)
    await wrong(sara, code=sara.code(NOW - 2 * STEP))
    await wrong(sara, code=sara.code(NOW + 2 * STEP))
    await support.sign_in(sara, code=sara.code(NOW + STEP))
    await wrong(sara, code=sara.code(NOW))  # older than the one that was taken


async def test_of_two_at_once_with_one_password_one_signs_in(sara: Colleague) -> None:
    tried = await asyncio.gather(*(support.sign_in(sara) for _ in range(2)), return_exceptions=True)

    assert sorted(type(each).__name__ for each in tried) == [
        "CredentialsInvalid",
        "OperatorSignedIn",
    ]


async def test_digits_of_any_keyboard_and_a_name_in_capitals_will_do(sara: Colleague) -> None:
    persian = sara.code().translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))

    await support.sign_in(sara, user_name=" SARA ", code=f"{persian[:3]} {persian[3:]}")


async def test_a_recovery_code_stands_in_once(sara: Colleague) -> None:
    code = sara.recovery_codes[0]
    await support.sign_in(sara, code=code.lower())

    await wrong(sara, code=code)
    await support.sign_in(sara, code=sara.recovery_codes[1].replace("-", " "))


async def test_a_suspended_account_is_refused_and_its_tokens_too(sara: Colleague) -> None:
    found = await support.sign_in(sara)
    await database.execute("UPDATE operator SET state = 'SUSPENDED' WHERE id = $1", sara.id)

    await wrong(sara, code=sara.code(NOW + STEP))
    with pytest.raises(TokenInvalid):
        await service.identity_of_token(found.issued.access_token)


async def test_guesses_wait_longer_and_longer_and_the_waiting_ends(sara: Colleague) -> None:
    for _ in range(5):
        await wrong(sara, password="x" * 12)

    with pytest.raises(RateLimited) as first:
        await support.sign_in(sara)
    assert first.value.retry_after_seconds == 15
    with clock.frozen(NOW + timedelta(seconds=15)):
        await wrong(sara, password="x" * 12)
        with pytest.raises(RateLimited) as second:
            await support.sign_in(sara)
    assert second.value.retry_after_seconds == 30
    with clock.frozen(NOW + timedelta(seconds=45)):
        await support.sign_in(sara)
        for _ in range(4):  # what was right has ended the waiting
            await wrong(sara, password="x" * 12)


async def test_unknown_names_wait_as_known_ones_do(sara: Colleague) -> None:
    for _ in range(5):
        await wrong(sara, user_name="nobody")

    with pytest.raises(RateLimited) as error:
        await support.sign_in(sara, user_name="nobody")
    assert error.value.retry_after_seconds == 15


async def test_strangers_lock_nobody_out(sara: Colleague) -> None:
    for number in range(POLICY.stranger_tries_per_hour + 1):
        await wrong(
            sara, password="x" * 12, code="000000", device_id=None, address=f"203.0.113.{number}"
        )

    await support.sign_in(sara, device_id=None, address=ELSEWHERE)  # on anything, from anywhere


@pytest.mark.parametrize("right", ["password", "one-time password"])
async def test_who_has_one_factor_has_few_tries_at_the_other(sara: Colleague, right: str) -> None:
    await support.sign_in(sara)  # from the own device, at the usual address
    at = NOW + STEP
    given = {"code": "000000"} if right == "password" else {"password": "x" * 12}
    with clock.frozen(at):
        for number in range(POLICY.stranger_tries_per_hour):
            await wrong(sara, **given, device_id=None, address=f"203.0.113.{number}")

        # What is right is refused in the words of what is wrong; the code is not spent by that.
        await wrong(sara, device_id=None, address=ELSEWHERE)
        await support.sign_in(sara, address=ELSEWHERE)  # by the device
    with clock.frozen(at + STEP):
        await support.sign_in(sara, device_id=None)  # by the network
    await support.sign_in(  # by a recovery code, on anything from anywhere
        sara, code=sara.recovery_codes[0], device_id="another-one-0123456789", address=ELSEWHERE
    )
    with clock.frozen(at + timedelta(minutes=65)):
        await support.sign_in(sara, device_id=None, address=ELSEWHERE)  # an hour forgets
    failures = await trail("operator.sign_in_failed")
    assert [str(row[2]) for row in failures] == ['{"factor_right": true}'] * 31


async def test_tries_with_one_factor_at_once_are_all_counted(sara: Colleague) -> None:
    most = 3
    staff_policy.configure(StaffPolicy(stranger_tries_per_hour=most))
    await asyncio.gather(
        *(
            wrong(sara, code="000000", device_id=None, address=f"203.0.113.{number}")
            for number in range(most)
        )
    )

    tried = await asyncio.gather(
        *(
            support.sign_in(sara, device_id=None, address=f"198.51.100.{number}")
            for number in range(3)
        ),
        return_exceptions=True,
    )

    assert [type(each).__name__ for each in tried] == ["CredentialsInvalid"] * 3
    await operators.unlock(viewer=SYSTEM, operator_id=sara.id, reason="برای آزمون")
    await support.sign_in(sara, device_id=None, address=ELSEWHERE)


async def test_what_is_right_uses_nothing_up(sara: Colleague) -> None:
    staff_policy.configure(StaffPolicy(stranger_tries_per_hour=1))

    for number in range(3):
        with clock.frozen(NOW + number * STEP):
            await support.sign_in(sara, device_id=None, address=f"203.0.113.{number}")


async def test_an_address_that_is_used_up_keeps_no_known_device_out(sara: Colleague) -> None:
    await support.sign_in(sara, address=None)  # the device is known, the network is not
    for number in range(POLICY.address_tries_per_hour):
        await guesses.begin(
            account=f"operator|nobody{number}", source="x", is_known=False, address=ELSEWHERE
        )

    with pytest.raises(RateLimited):
        await support.sign_in(sara, device_id=None, address=ELSEWHERE)
    with clock.frozen(NOW + STEP):
        await support.sign_in(sara, address=ELSEWHERE)


async def test_tries_at_once_are_all_counted(sara: Colleague) -> None:
    tried = await asyncio.gather(
        *(support.sign_in(sara, password="x" * 12) for _ in range(12)), return_exceptions=True
    )

    names = [type(each).__name__ for each in tried]
    assert (names.count("CredentialsInvalid"), names.count("RateLimited")) == (5, 7)


async def test_without_the_cache_nobody_signs_in(sara: Colleague) -> None:
    await shared_cache.close()

    with pytest.raises(Unavailable):
        await support.sign_in(sara)


async def test_a_role_that_is_taken_away_is_gone_at_the_next_request(sara: Colleague) -> None:
    found = await support.sign_in(sara)
    await database.execute("UPDATE operator SET roles = '{OBSERVER}' WHERE id = $1", sara.id)

    viewer = await service.viewer_of_token(found.issued.access_token)

    assert viewer.roles == {Role.OBSERVER}
    assert not viewer.may(Permission.MEMBERS_READ)


async def test_nobody_is_a_stranger_to_the_own_file() -> None:
    member_id = await _member("0012345679")
    reza = await support.new_operator(Role.SUPPORT, national_code="0012345679")

    found = await support.sign_in(reza)

    assert found.viewer.own_member_id == member_id


async def test_saying_again_who_one_is_holds_for_five_minutes(sara: Colleague) -> None:
    found = await support.sign_in(sara)
    later = NOW + timedelta(minutes=5)
    with clock.frozen(later):
        viewer = await service.viewer_of_token(found.issued.access_token)
        with pytest.raises(ReauthenticationNeeded):
            viewer.require_recent()
        for password, code in (
            (PASSWORD, None),  # nobody is known by a password alone
            ("x" * 12, sara.code()),
            (None, "000000"),
        ):
            with pytest.raises(CredentialsInvalid):
                await _again(viewer, found.issued.session_id, password=password, code=code)
        with pytest.raises(ReauthenticationNeeded):
            (await service.viewer_of_token(found.issued.access_token)).require_recent()
        await _again(viewer, found.issued.session_id, password=PASSWORD, code=sara.code())
        (await service.viewer_of_token(found.issued.access_token)).require_recent()
    with clock.frozen(later + timedelta(minutes=4)):
        viewer = await service.viewer_of_token(found.issued.access_token)
        viewer.require_recent()
        await _again(viewer, found.issued.session_id, code=sara.code())
        with pytest.raises(CredentialsInvalid):
            await _again(viewer, found.issued.session_id, code=sara.code())
        await _again(viewer, found.issued.session_id, code=sara.recovery_codes[0])
        with pytest.raises(CredentialsInvalid):
            await _again(viewer, found.issued.session_id, code=sara.recovery_codes[0])


async def test_an_idle_session_is_over(sara: Colleague) -> None:
    issued = (await support.sign_in(sara)).issued
    with clock.frozen(NOW + timedelta(minutes=9)):
        await service.identity_of_token(issued.access_token)

    with (
        clock.frozen(NOW + timedelta(minutes=9) + IDLE),
        pytest.raises(StaffSessionExpired),
    ):
        await _refresh(issued.refresh_token)
    with clock.frozen(NOW + timedelta(minutes=8) + IDLE):
        identity, _ = await _refresh(issued.refresh_token)
    assert identity.viewer.actor == f"operator:{sara.id}"


async def test_a_session_ends_after_twelve_hours_however_often_it_is_refreshed(
    sara: Colleague,
) -> None:
    token = (await support.sign_in(sara)).issued.refresh_token
    for quarter in range(1, 48):
        with clock.frozen(NOW + timedelta(minutes=15 * quarter)):
            _, issued = await _refresh(token)
            token = issued.refresh_token

    with clock.frozen(NOW + timedelta(hours=12)), pytest.raises(StaffSessionExpired):
        await _refresh(token)


async def test_a_stolen_refresh_token_ends_the_session(sara: Colleague) -> None:
    issued = (await support.sign_in(sara)).issued
    with pytest.raises(StaffSessionInvalid):
        await _refresh(issued.refresh_token, device_id="another-device-000000")

    with pytest.raises(TokenInvalid):
        await service.identity_of_token(issued.access_token)
    row = await database.fetch_one("SELECT end_reason FROM staff_session")
    assert row is not None
    assert row["end_reason"] == StaffEndReason.REUSED


async def test_members_tokens_and_operators_never_pass_for_each_other(sara: Colleague) -> None:
    issued = (await support.sign_in(sara)).issued

    assert service.is_of_staff(issued.refresh_token)
    with pytest.raises(SessionInvalid):
        await service.session_refresh(refresh_token=issued.refresh_token, device_id=DEVICE)
    member = await signed_in(await new_member())
    assert not service.is_of_staff(member.refresh_token)
    with pytest.raises(SessionInvalid):
        await _refresh(member.refresh_token)


async def test_a_sixth_session_ends_the_one_unseen_for_longest(sara: Colleague) -> None:
    first = (await support.sign_in(sara)).issued
    for number in range(1, 6):
        with clock.frozen(NOW + number * STEP):
            await support.sign_in(sara)

    with clock.frozen(NOW + 6 * STEP):
        with pytest.raises(TokenInvalid):
            await service.identity_of_token(first.access_token)
        viewer = await support.viewer_of(sara)
        assert len(await staff_sessions.list_own(viewer=viewer, session_id=None)) == 5


def test_a_recovery_code_has_eighty_bits_and_an_own_form() -> None:
    codes = totp.new_recovery_codes()

    assert len(set(codes)) == 10
    assert all(totp.is_recovery_code(each) for each in codes)
    assert not totp.is_recovery_code("123456")


async def _again(
    viewer: Viewer, session_id: UUID, *, password: str | None = None, code: str | None = None
) -> None:
    await confirming.reauthenticate(
        viewer=viewer, session_id=session_id, password=password, one_time_password=code
    )


async def _refresh(token: str, *, device_id: str = DEVICE) -> tuple[service.Identity, StaffIssued]:
    return await service.staff_session_refresh(refresh_token=token, device_id=device_id)


async def _member(national_code: str) -> int:
    await signing_in.enrol(signing_in.Person(national_code, "+989121234567"), province="IR-07")
    row = await database.fetch_one("SELECT id FROM member")
    assert row is not None
    found: int = row["id"]
    return found
