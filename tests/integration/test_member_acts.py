"""What two operators do to a member's file: the end of a freeze, and another phone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from backend import composition
from backend.access import phone_change
from backend.access.phone_change import (
    FileNotInUse,
    PhoneChangeClosed,
    PhoneNotOwn,
    PhoneOwnerUnknown,
    PhoneUnchanged,
)
from backend.approvals import executing, reading, revealing, telling
from backend.approvals import service as approvals
from backend.approvals.domain import Approval, ApprovalState
from backend.approvals.notice import NoticePending
from backend.approvals.refusals import ApprovalAlreadyAsked, ApprovalNotAsShown
from backend.core import clock
from backend.core.errors import DomainError, Forbidden, NotFound
from backend.core.identifiers import InvalidMobile
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, OwnFile, ReauthenticationNeeded, Scope, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.members import freezing
from backend.members.freezing import MemberNotFrozen
from backend.notifications import service as notifications
from backend.settings import Settings
from tests.support import access, choosy_gateway, debts, operators, signing_in
from tests.support.operators import member, operator, trail

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD, NEW = "+989121234567", "+989121234568"
NATIONAL_CODE = "0012345679"
TEHRAN = Scope(province_codes=frozenset({"IR-23"}))


@pytest.fixture(autouse=True)
async def scene(db: None, cache: None, tmp_path: Path) -> AsyncIterator[None]:
    del db, cache
    access.configure_keys()
    operators.let_everybody_act()
    composition.configure_sms(Settings(data_dir=tmp_path))
    with clock.frozen(NOW):
        yield
    await sms.close()


def support(
    number: int = 1, scope: Scope = operators.NATION, own_member_id: int | None = None
) -> Viewer:
    return operator(number, Role.SUPPORT, scope=scope, own_member_id=own_member_id)


async def grant_and_run(
    approval: Approval, *, after: timedelta = timedelta(), viewer: Viewer | None = None
) -> ApprovalState:
    await signing_in.run_jobs()
    with clock.frozen(NOW + after):
        await grant(approval, viewer)
        await executing.execute(approval.id)
    return (await seen(approval)).state


async def seen(approval: Approval) -> Approval:
    found = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert found is not None
    return found


async def grant(approval: Approval, viewer: Viewer | None = None) -> None:
    shown = (await seen(approval)).shown_digest
    await approvals.grant(viewer=viewer or support(2), approval_id=approval.id, digest=shown)


async def state_of(member_id: int) -> str:
    row = await database.fetch_one("SELECT state FROM member WHERE id = $1", member_id)
    assert row is not None
    return str(row["state"])


async def phone_of(member_id: int) -> str:
    row = await database.fetch_one("SELECT phone FROM member WHERE id = $1", member_id)
    assert row is not None
    return str(row["phone"])


async def lift(member_id: int, viewer: Viewer | None = None) -> Approval:
    return await freezing.ask_freeze_lift(
        viewer=viewer or support(), member_id=member_id, reason="مدارک رسید"
    )


async def ask_phone(
    member_id: int, viewer: Viewer | None = None, phone: str = "0912 123 4568"
) -> Approval:
    return await phone_change.ask_phone_change(
        viewer=viewer or support(), member_id=member_id, phone=phone, reason="سیم‌کارت گم شد"
    )


async def test_a_freeze_is_lifted_once_somebody_else_has_granted_it() -> None:
    member_id = await member("مریم", "احمدی", state="FROZEN")

    approval = await lift(member_id)
    assert await state_of(member_id) == "FROZEN"

    assert await grant_and_run(approval) is ApprovalState.EXECUTED
    assert await state_of(member_id) == "ACTIVE"
    (entry,) = await trail("members.freeze_lift")
    assert (entry["subject_member_id"], entry["reason"]) == (member_id, "مدارک رسید")
    assert orjson.loads(str(entry["after"])) == {"state": "ACTIVE"}


async def test_a_death_in_between_voids_the_lifting() -> None:
    member_id = await member("مریم", "احمدی", state="FROZEN")
    approval = await lift(member_id)
    await database.execute("UPDATE member SET state = 'DECEASED' WHERE id = $1", member_id)

    assert await grant_and_run(approval) is ApprovalState.VOID
    assert await state_of(member_id) == "DECEASED"


async def test_who_may_not_lift_a_freeze_asks_nobody() -> None:
    member_id = await member("مریم", "احمدی", state="FROZEN")
    active = await member("رضا", "کریمی", phone=NEW)
    refusals: list[tuple[type[DomainError], int, Viewer]] = [
        (Forbidden, member_id, operator(1, Role.REGISTRAR)),
        (Forbidden, member_id, operator(1, Role.ADMINISTRATOR)),
        (NotFound, member_id, support(scope=TEHRAN)),
        (NotFound, 1_000_000, support()),
        (OwnFile, member_id, support(own_member_id=member_id)),
        (MemberNotFrozen, active, support()),
    ]

    for error, whose, viewer in refusals:
        with pytest.raises(error):
            await lift(whose, viewer)

    assert await database.fetch("SELECT FROM approval") == []


async def test_a_phone_is_changed_after_72_hours_and_what_the_former_one_opened_is_ended(
    tmp_path: Path,
) -> None:
    member_id = await member("مریم", "احمدی", phone=OLD)
    session = await access.signed_in(member_id)

    approval = await ask_phone(member_id)
    await signing_in.run_jobs()

    (text,) = signing_in.messages(tmp_path)
    assert (text["to"], "۷۲ ساعت" in text["text"]) == (OLD, True)
    assert "4568" not in text["text"]
    inbox = await notifications.list_notices(
        viewer=debts.viewer_of(member_id), first=10, after=None
    )
    assert [each.title for each in inbox.items] == ["درخواست تغییر شمارهٔ همراه شما"]
    await grant_and_run(approval, after=71 * HOUR)
    assert await phone_of(member_id) == OLD
    with clock.frozen(NOW + 72 * HOUR):
        await executing.execute(approval.id)
    assert await phone_of(member_id) == NEW
    (row,) = await database.fetch(
        "SELECT ended_at IS NOT NULL AS is_ended FROM session WHERE public_id = $1",
        session.session_id,
    )
    assert row["is_ended"]
    rows = await database.fetch(
        "SELECT t::text AS row FROM audit_entry t UNION ALL SELECT t::text FROM approval t"
    )
    assert not [row for row in rows if "9121234567" in row["row"] or "9121234568" in row["row"]]


async def test_where_no_worker_has_told_the_old_number_nobody_grants_and_nothing_is_done() -> None:
    member_id = await member("مریم", "احمدی", phone=OLD)
    approval = await ask_phone(member_id)

    with clock.frozen(NOW + 73 * HOUR):
        with pytest.raises(NoticePending):
            await grant(approval)
        await executing.execute(approval.id)

    assert await phone_of(member_id) == OLD


@pytest.mark.parametrize("is_lost", [True, False])
async def test_an_old_number_that_can_not_be_told_is_shown_to_who_decides_and_holds_up_nobody(
    *, is_lost: bool
) -> None:
    member_id = await member("مریم", "احمدی", phone=OLD)
    approval = await ask_phone(member_id)
    before = await seen(approval)
    gateway = choosy_gateway.configure(
        lost={OLD} if is_lost else set(), refused=set() if is_lost else {OLD}
    )
    assert await choosy_gateway.try_jobs() == int(is_lost)
    with clock.frozen(NOW + telling.TRIED_FOR):
        assert await choosy_gateway.try_jobs() == 0
        with pytest.raises(ApprovalNotAsShown):  # who granted it thought that the number was told
            await approvals.grant(
                viewer=support(2), approval_id=approval.id, digest=before.shown_digest
            )
        await grant(approval)

    assert gateway.sent == []
    assert (await seen(approval)).begins_at == NOW + 72 * HOUR
    (entry,) = await trail("approval.not_told")
    assert entry["subject_member_id"] == member_id
    with clock.frozen(NOW + 72 * HOUR):
        await executing.execute(approval.id)
    assert await phone_of(member_id) == NEW


async def test_a_member_without_a_phone_gets_one_after_72_hours() -> None:
    member_id = await member("مریم", "احمدی")
    approval = await ask_phone(member_id)

    assert await grant_and_run(approval, after=71 * HOUR) is ApprovalState.GRANTED
    with clock.frozen(NOW + 72 * HOUR):
        await executing.execute(approval.id)
    assert await phone_of(member_id) == NEW


@pytest.mark.parametrize("is_granted_before", [True, False])
@pytest.mark.parametrize("column", ["province_code", "association_code"])
async def test_a_member_who_moves_keeps_phone_and_freeze(
    column: str, *, is_granted_before: bool
) -> None:
    """Who granted it saw where the member was, and nothing of where the member is now."""
    await operators.associations("A-1", "A-2")
    fars = Scope(province_codes=frozenset({"IR-07"}))
    local = support(2, fars)
    moving = await member("مریم", "احمدی", phone=OLD, association_code="A-1")
    frozen = await member(
        "رضا", "کریمی", phone="+989121234560", association_code="A-1", state="FROZEN"
    )
    asked = [await ask_phone(moving, support(1, fars)), await lift(frozen, support(1, fars))]
    await signing_in.run_jobs()
    if is_granted_before:
        for approval in asked:
            await grant(approval, local)
    there = {"province_code": "IR-23", "association_code": "A-2"}[column]
    await database.execute(f"UPDATE member SET {column} = $1", there)
    if not is_granted_before:
        for approval in asked:
            await grant(approval, local)

    with clock.frozen(NOW + 72 * HOUR):
        for approval in asked:
            await executing.execute(approval.id)

    assert [(await seen(each)).state for each in asked] == [ApprovalState.VOID] * 2
    assert (await phone_of(moving), await state_of(frozen)) == (OLD, "FROZEN")


async def test_who_decides_may_compare_the_whole_number_with_the_member_s_paper() -> None:
    approval = await ask_phone(await member("مریم", "احمدی", phone=OLD))

    assert await revealing.reveal(viewer=support(2), approval_id=approval.id) == (("phone", NEW),)


async def test_any_of_the_staff_stops_it_when_the_member_objects() -> None:
    member_id = await member("مریم", "احمدی", phone=OLD)
    approval = await ask_phone(member_id)
    await signing_in.run_jobs()
    with clock.frozen(NOW + HOUR):
        await grant(approval)
        await phone_change.cancel_phone_change(
            viewer=operator(3, Role.REGISTRAR), member_id=member_id, reason="عضو نخواسته است"
        )

    with clock.frozen(NOW + 73 * HOUR):
        await executing.execute(approval.id)

    assert await phone_of(member_id) == OLD
    found = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert found is not None
    assert (found.state, found.outcome_code) == (ApprovalState.REFUSED, "MEMBER_OBJECTS")
    with pytest.raises(PhoneChangeClosed):
        await phone_change.cancel_phone_change(
            viewer=support(), member_id=member_id, reason="عضو نخواسته است"
        )


async def test_a_phone_that_the_file_brings_in_between_voids_the_change() -> None:
    member_id = await member("مریم", "احمدی", phone=OLD)
    approval = await ask_phone(member_id)
    await database.execute("UPDATE member SET phone = '+989121234569' WHERE id = $1", member_id)

    assert await grant_and_run(approval, after=72 * HOUR) is ApprovalState.VOID
    assert await phone_of(member_id) == "+989121234569"


@pytest.mark.parametrize("state", ["DECEASED", "INACTIVE"])
async def test_the_phone_of_a_closed_file_is_not_changed(tmp_path: Path, state: str) -> None:
    closed = await member("مریم", "احمدی", phone=OLD, state=state)
    with pytest.raises(FileNotInUse):
        await ask_phone(closed)
    assert await database.fetch("SELECT FROM approval") == []
    assert await signing_in.run_jobs() == 0
    assert signing_in.messages(tmp_path) == []

    closing = await member("رضا", "کریمی", phone="+989121234560")
    approval = await ask_phone(closing)
    await database.execute("UPDATE member SET state = $2 WHERE id = $1", closing, state)
    assert await grant_and_run(approval, after=72 * HOUR) is ApprovalState.VOID
    assert await phone_of(closing) == "+989121234560"


async def test_the_phone_of_a_frozen_file_may_be_changed() -> None:
    frozen = await member("مریم", "احمدی", phone=OLD, state="FROZEN")

    assert await grant_and_run(await ask_phone(frozen), after=72 * HOUR) is ApprovalState.EXECUTED
    assert await phone_of(frozen) == NEW


class Owners:
    """A mobile operator that says of every number the same."""

    def __init__(self, *, answer: bool | None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    async def is_own(self, *, phone: str, national_code: str) -> bool:
        self.asked.append((phone, national_code))
        if self.answer is None:
            raise sms.OwnNumberUnknown
        return self.answer

    async def close(self) -> None:
        """Nothing is open."""


async def test_where_it_can_be_asked_the_number_is_the_member_s_own() -> None:
    member_id = await member("مریم", "احمدی", phone=OLD, national_code=NATIONAL_CODE)

    for answer, error in ((False, PhoneNotOwn), (None, PhoneOwnerUnknown)):
        sms.configure(sms.sender(), own_number_check=Owners(answer=answer))
        with pytest.raises(error):
            await ask_phone(member_id)
    assert await database.fetch("SELECT FROM approval") == []
    owners = Owners(answer=True)
    sms.configure(sms.sender(), own_number_check=owners)
    await ask_phone(member_id)
    assert owners.asked == [(NEW, NATIONAL_CODE)]


async def test_who_may_not_change_a_phone_asks_nobody_and_tells_nobody(tmp_path: Path) -> None:
    member_id = await member("مریم", "احمدی", phone=OLD)
    refusals: list[tuple[type[DomainError], Viewer, str]] = [
        (Forbidden, operator(1, Role.STORE_MANAGER), NEW),
        (Forbidden, operator(1, Role.ADMINISTRATOR), NEW),
        (Forbidden, debts.viewer_of(member_id), NEW),
        (NotFound, support(scope=TEHRAN), NEW),
        (OwnFile, support(own_member_id=member_id), NEW),
        (PhoneUnchanged, support(), OLD),
        (InvalidMobile, support(), "+982166001122"),
    ]
    for error, viewer, phone in refusals:
        with pytest.raises(error):
            await ask_phone(member_id, viewer, phone)
    stale = support()
    with clock.frozen(NOW + timedelta(minutes=6)), pytest.raises(ReauthenticationNeeded):
        await ask_phone(member_id, stale)
    for viewer in (operator(1, Role.STORE_MANAGER), support(scope=TEHRAN)):
        with pytest.raises((Forbidden, NotFound)):
            await phone_change.cancel_phone_change(
                viewer=viewer, member_id=member_id, reason="عضو نخواسته است"
            )

    assert await signing_in.run_jobs() == 0
    assert signing_in.messages(tmp_path) == []
    assert await database.fetch("SELECT FROM approval") == []


async def test_one_change_of_a_phone_is_open_at_a_time() -> None:
    member_id = await member("مریم", "احمدی", phone=OLD)
    await ask_phone(member_id)

    with pytest.raises(ApprovalAlreadyAsked):
        await ask_phone(member_id, support(2))
