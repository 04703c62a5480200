"""Operators' accounts: made by one and granted by another, changed, suspended, reset, and emergencies."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend import composition
from backend.access import (
    acting_operators,
    break_glass,
    enrolment,
    first_administrators,
    operator_account,
    operator_phones,
    operator_requests,
    operators,
    repository_operators,
    service,
    staff_sessions,
    totp,
)
from backend.access.operator_requests import NewOperator
from backend.access.persons import Person, PhoneOfAnother, PhoneOwnerAway
from backend.access.staff import MOST_BREAK_GLASS_HOURS, OperatorState
from backend.access.staff_refusals import (
    BreakGlassInvalid,
    BreakGlassRunning,
    CredentialsInvalid,
    EnrolmentInvalid,
    FirstAdministratorsThere,
    LastAdministrator,
    OperatorStateRefuses,
    OwnAccount,
    RolesConflict,
    ScopeTooWide,
    UserNameTaken,
)
from backend.approvals import executing
from backend.approvals import service as approvals
from backend.approvals.domain import ApproverNotIndependent
from backend.approvals.refusals import ApprovalAlreadyAsked
from backend.core import clock
from backend.core.errors import Forbidden, NotFound, RateLimited
from backend.core.permissions import Permission, Role, of_roles
from backend.core.viewer import SYSTEM, BreakGlass, ReauthenticationNeeded, Scope, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.infra.tokens import TokenInvalid
from backend.members import finding
from backend.settings import Settings
from tests.support import operators as people
from tests.support import signing_in
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.staff import ADDRESS, PASSWORD, Colleague

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
STEP = timedelta(seconds=30)
FARS, TEHRAN = (
    Scope(province_codes=frozenset({"IR-07"})),
    Scope(province_codes=frozenset({"IR-23"})),
)
WHY = "برای آزمون"
PHONE = "+989121234567"
ANOTHER = "another horse entirely"
WRONG = "000000"
FIRST, SECOND = Person("0012345679", PHONE), Person("2291234560", PHONE)


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None, tmp_path: Path) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    composition.configure_sms(Settings(data_dir=tmp_path))
    approvals.set_still_may(acting_operators.still_may)
    with clock.frozen(NOW):
        yield
    await sms.close()


@pytest.fixture
async def admins() -> tuple[Viewer, Viewer]:
    """Two first administrators."""
    first = await support.new_operator(Role.ADMINISTRATOR, user_name="first")
    second = await support.new_operator(Role.ADMINISTRATOR, user_name="second")
    return await support.viewer_of(first), await support.viewer_of(second)


def new(
    user_name: str = "sara",
    *roles: Role,
    scope: Scope = FARS,
    national_code: str = "0012345679",
) -> NewOperator:
    return NewOperator(
        user_name=user_name,
        name="سارا رضایی",
        office="شعبهٔ شیراز",
        roles=frozenset(roles or {Role.SUPPORT}),
        scope=scope,
        national_code=national_code,
        phone=PHONE,
    )


async def state_of(operator_id: int) -> OperatorState:
    found = await operators.find_operator(viewer=SYSTEM, operator_id=operator_id)
    assert found is not None
    return found.state


async def invitation(tmp_path: Path) -> str:
    """The code of the last message."""
    message = signing_in.messages(tmp_path)[-1]
    assert message["to"] == PHONE
    found = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", message["text"])
    assert found is not None
    return found[0]


async def enrolled(code: str, user_name: str = "sara") -> tuple[str, tuple[str, ...]]:
    """Set the account up: the TOTP secret and the recovery codes."""
    begun = await enrolment.begin(
        user_name=user_name, code=code, password=PASSWORD, address=ADDRESS
    )
    shown = totp.at(begun.totp_secret, clock.now())
    codes = await enrolment.confirm(
        user_name=user_name, code=code, one_time_password=shown, address=ADDRESS
    )
    return begun.totp_secret, codes


async def made(admins: tuple[Viewer, Viewer], tmp_path: Path, *roles: Role) -> Colleague:
    """An operator who was asked for, granted, invited and set up."""
    maker, approver = admins
    operator, approval = await operator_requests.ask_for_operator(
        viewer=maker, new=new("sara", *roles), reason=WHY
    )
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()
    await signing_in.run_jobs()
    secret, codes = await enrolled(await invitation(tmp_path))
    return Colleague(operator.id, "sara", secret, codes)


async def test_an_account_is_asked_for_granted_invited_and_set_up(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    maker, approver = admins
    operator, approval = await operator_requests.ask_for_operator(
        viewer=maker, new=new(), reason=WHY
    )
    assert operator.state is OperatorState.REQUESTED
    assert operator.created_by == maker.actor
    await signing_in.run_jobs()
    assert signing_in.messages(tmp_path) == []  # nothing is sent before it is granted

    await approvals.grant(viewer=approver, approval_id=approval.id)
    assert await state_of(operator.id) is OperatorState.REQUESTED
    await signing_in.run_jobs()
    assert await state_of(operator.id) is OperatorState.INVITED
    await signing_in.run_jobs()
    secret, codes = await enrolled(await invitation(tmp_path))

    assert await state_of(operator.id) is OperatorState.ACTIVE
    sara = Colleague(operator.id, "sara", secret, codes)
    with clock.frozen(NOW + STEP):
        found = await support.sign_in(sara)
    assert (found.viewer.created_by, found.viewer.scope) == (maker.actor, FARS)
    shown = await operators.find_operator(viewer=maker, operator_id=operator.id)
    assert shown is not None
    assert shown.approved_by == approver.actor


async def test_the_maker_cannot_grant_and_who_was_made_cannot_either(
    admins: tuple[Viewer, Viewer],
) -> None:
    maker, _ = admins
    _, approval = await operator_requests.ask_for_operator(viewer=maker, new=new(), reason=WHY)
    made_by_maker = await support.new_operator(Role.ADMINISTRATOR, created_by=maker.actor)

    for viewer in (maker, await support.viewer_of(made_by_maker)):
        with pytest.raises(ApproverNotIndependent):
            await approvals.grant(viewer=viewer, approval_id=approval.id)
    await signing_in.run_jobs()
    assert await state_of(int(approval.object_id)) is OperatorState.REQUESTED


async def test_an_account_that_is_refused_is_closed(admins: tuple[Viewer, Viewer]) -> None:
    maker, approver = admins
    operator, approval = await operator_requests.ask_for_operator(
        viewer=maker, new=new(), reason=WHY
    )

    await approvals.refuse(viewer=approver, approval_id=approval.id, reason=WHY)

    assert await state_of(operator.id) is OperatorState.REFUSED
    with pytest.raises(UserNameTaken):
        await operator_requests.ask_for_operator(viewer=maker, new=new(), reason=WHY)
    again, _ = await operator_requests.ask_for_operator(viewer=maker, new=new("sara2"), reason=WHY)
    assert again.state is OperatorState.REQUESTED  # the person may have another account


async def test_one_person_has_one_account(admins: tuple[Viewer, Viewer]) -> None:
    maker, _ = admins
    await operator_requests.ask_for_operator(viewer=maker, new=new(), reason=WHY)

    with pytest.raises(UserNameTaken):
        await operator_requests.ask_for_operator(viewer=maker, new=new("other"), reason=WHY)


class Owners:
    """What the mobile operator says; None where it can't be asked. It is asked outside of any transaction."""

    def __init__(self, *, answer: bool | None) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    async def is_own(self, *, phone: str, national_code: str) -> bool:
        assert not database.is_in_transaction()
        self.asked.append((phone, national_code))
        if self.answer is None:
            raise sms.OwnNumberUnknown
        return self.answer

    async def close(self) -> None:
        """Nothing is open."""


async def test_an_account_gets_a_number_in_the_own_name(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    maker, _ = admins
    for answer, error in ((False, PhoneOfAnother), (None, PhoneOwnerAway)):
        owners = Owners(answer=answer)
        sms.configure(sms.sender(), own_number_check=owners)
        with pytest.raises(error):
            await operator_requests.ask_for_operator(viewer=maker, new=new(), reason=WHY)
        assert owners.asked == [(PHONE, "0012345679")]
    assert await database.fetch("SELECT FROM operator WHERE user_name = 'sara'") == []
    assert await database.fetch("SELECT FROM approval") == []
    await signing_in.run_jobs()
    assert signing_in.messages(tmp_path) == []

    sms.configure(sms.sender(), own_number_check=Owners(answer=True))
    operator, _ = await operator_requests.ask_for_operator(viewer=maker, new=new(), reason=WHY)
    assert operator.state is OperatorState.REQUESTED


async def test_who_is_refused_asks_the_mobile_operator_nothing(
    admins: tuple[Viewer, Viewer],
) -> None:
    owners = Owners(answer=True)
    sms.configure(sms.sender(), own_number_check=owners)
    support_viewer = await support.viewer_of(await support.new_operator(Role.SUPPORT))

    with pytest.raises(Forbidden):
        await operator_requests.ask_for_operator(viewer=support_viewer, new=new(), reason=WHY)
    with pytest.raises(RolesConflict):
        await operator_requests.ask_for_operator(
            viewer=admins[0], new=new("sara", Role.AUDITOR, Role.SUPPORT), reason=WHY
        )
    assert owners.asked == []


@pytest.mark.parametrize(
    "roles",
    [
        {Role.ADMINISTRATOR, Role.FINANCE_OFFICER},
        {Role.ADMINISTRATOR, Role.LOAN_OFFICER},
        {Role.ADMINISTRATOR, Role.STORE_MANAGER},
        {Role.AUDITOR, Role.SUPPORT},
    ],
)
async def test_roles_that_may_not_be_joined_are_given_by_nobody(
    admins: tuple[Viewer, Viewer], roles: set[Role]
) -> None:
    with pytest.raises(RolesConflict):
        await operator_requests.ask_for_operator(
            viewer=admins[0], new=new("sara", *roles), reason=WHY
        )
    assert await database.fetch("SELECT FROM operator WHERE user_name = 'sara'") == []


async def test_the_database_itself_joins_no_such_roles() -> None:
    sara = await support.new_operator(Role.SUPPORT)

    for roles in ("{ADMINISTRATOR,FINANCE_OFFICER}", "{AUDITOR,SUPPORT}"):
        with pytest.raises(Exception, match="operator_"):
            await database.execute(
                "UPDATE operator SET roles = $2::text[] WHERE id = $1",
                sara.id,
                roles.strip("{}").split(","),
            )


async def test_nobody_gives_more_than_the_own_scope(admins: tuple[Viewer, Viewer]) -> None:
    del admins
    local = await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR, scope=FARS))

    for scope in (TEHRAN, Scope(nation=True)):
        with pytest.raises(ScopeTooWide):
            await operator_requests.ask_for_operator(viewer=local, new=new(scope=scope), reason=WHY)
    operator, _ = await operator_requests.ask_for_operator(viewer=local, new=new(), reason=WHY)
    assert operator.scope == FARS


async def test_without_the_permission_or_a_recent_confirmation_nothing_is_asked(
    admins: tuple[Viewer, Viewer],
) -> None:
    support_viewer = await support.viewer_of(await support.new_operator(Role.SUPPORT))
    with pytest.raises(Forbidden):
        await operator_requests.ask_for_operator(viewer=support_viewer, new=new(), reason=WHY)
    with clock.frozen(NOW + timedelta(minutes=5)), pytest.raises(ReauthenticationNeeded):
        await operator_requests.ask_for_operator(viewer=admins[0], new=new(), reason=WHY)


async def test_other_roles_hold_once_they_are_granted(
    admins: tuple[Viewer, Viewer],
) -> None:
    maker, approver = admins
    sara = await support.new_operator(Role.SUPPORT, created_by="operator:99")
    token = (await support.sign_in(sara)).issued.access_token
    _, approval = await operator_requests.ask_for_roles(
        viewer=maker,
        operator_id=sara.id,
        roles=frozenset({Role.FINANCE_OFFICER}),
        scope=TEHRAN,
        office=None,
        reason=WHY,
    )
    assert (await service.viewer_of_token(token)).roles == {Role.SUPPORT}

    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()

    viewer = await service.viewer_of_token(token)
    assert (viewer.roles, viewer.scope) == (frozenset({Role.FINANCE_OFFICER}), TEHRAN)


async def test_a_change_meanwhile_voids_what_was_asked(admins: tuple[Viewer, Viewer]) -> None:
    maker, approver = admins
    sara = await support.new_operator(Role.SUPPORT)
    _, approval = await operator_requests.ask_for_roles(
        viewer=maker,
        operator_id=sara.id,
        roles=frozenset({Role.FINANCE_OFFICER}),
        scope=FARS,
        office=None,
        reason=WHY,
    )
    await operators.suspend(viewer=approver, operator_id=sara.id, reason=WHY)

    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()

    found = await operators.find_operator(viewer=maker, operator_id=sara.id)
    assert found is not None
    assert (found.roles, found.state) == (frozenset({Role.SUPPORT}), OperatorState.SUSPENDED)


async def test_the_same_change_is_asked_for_once(admins: tuple[Viewer, Viewer]) -> None:
    maker, approver = admins
    sara = await support.new_operator(Role.SUPPORT)
    await operator_requests.ask_for_reset(viewer=maker, operator_id=sara.id, reason=WHY)

    with pytest.raises(ApprovalAlreadyAsked):
        await operator_requests.ask_for_reset(viewer=approver, operator_id=sara.id, reason=WHY)


async def test_a_suspension_holds_at_once_and_is_ended_by_two(
    admins: tuple[Viewer, Viewer],
) -> None:
    maker, approver = admins
    sara = await support.new_operator(Role.SUPPORT)
    token = (await support.sign_in(sara)).issued.access_token

    found = await operators.suspend(viewer=maker, operator_id=sara.id, reason=WHY)
    assert found.state is OperatorState.SUSPENDED
    with pytest.raises(TokenInvalid):
        await service.viewer_of_token(token)
    await operators.suspend(viewer=maker, operator_id=sara.id, reason=WHY)  # changes nothing
    with clock.frozen(NOW + STEP), pytest.raises(CredentialsInvalid):
        await support.sign_in(sara)

    _, approval = await operator_requests.ask_for_resumption(
        viewer=maker, operator_id=sara.id, reason=WHY
    )
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()
    with clock.frozen(NOW + STEP):
        await support.sign_in(sara)
    rows = await database.fetch("SELECT action FROM audit_entry WHERE action LIKE 'operator.s%'")
    assert [row["action"] for row in rows].count("operator.suspend") == 1


async def test_nobody_suspends_or_changes_the_own_account(admins: tuple[Viewer, Viewer]) -> None:
    maker, _ = admins
    own = operator_account.own_id(maker)

    with pytest.raises(OwnAccount):
        await operators.suspend(viewer=maker, operator_id=own, reason=WHY)
    with pytest.raises(OwnAccount):
        await operator_requests.ask_for_reset(viewer=maker, operator_id=own, reason=WHY)


async def test_the_last_administrator_stays(admins: tuple[Viewer, Viewer]) -> None:
    maker, approver = admins
    await operators.suspend(viewer=maker, operator_id=operator_account.own_id(approver), reason=WHY)
    with pytest.raises(LastAdministrator):
        await operators.suspend(
            viewer=approver, operator_id=operator_account.own_id(maker), reason=WHY
        )


async def test_a_scope_hides_what_lies_outside(admins: tuple[Viewer, Viewer]) -> None:
    maker, _ = admins
    here = await support.new_operator(Role.SUPPORT, scope=FARS)
    there = await support.new_operator(Role.SUPPORT, scope=TEHRAN)
    both = await support.new_operator(
        Role.SUPPORT, scope=Scope(province_codes=FARS.province_codes | TEHRAN.province_codes)
    )
    local = await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR, scope=FARS))

    page = await operators.list_operators(
        viewer=local, first=100, after=None, search=None, role=Role.SUPPORT
    )
    everyone = await operators.list_operators(
        viewer=maker, first=100, after=None, search=None, role=Role.SUPPORT
    )

    assert [each.id for each in page.items] == [here.id]
    assert {each.id for each in everyone.items} == {here.id, there.id, both.id}
    for other in (there, both):
        assert await operators.find_operator(viewer=local, operator_id=other.id) is None
        with pytest.raises(NotFound):
            await operators.suspend(viewer=local, operator_id=other.id, reason=WHY)


async def test_the_list_is_searched_and_walked(admins: tuple[Viewer, Viewer]) -> None:
    maker, _ = admins
    for number in range(3):
        await support.new_operator(Role.REGISTRAR, user_name=f"registrar{number}")

    first = await operators.list_operators(
        viewer=maker, first=2, after=None, search="REGISTRAR", role=None
    )
    rest = await operators.list_operators(
        viewer=maker, first=2, after=first.cursors[-1], search="REGISTRAR", role=None
    )

    names = [each.user_name for each in (*first.items, *rest.items)]
    assert names == ["registrar0", "registrar1", "registrar2"]
    assert (first.has_next, rest.has_next) == (True, False)


async def test_who_lost_everything_is_invited_anew(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    sara = await made(admins, tmp_path)
    with clock.frozen(NOW + STEP):
        old = await support.sign_in(sara)
    maker, approver = admins
    _, approval = await operator_requests.ask_for_reset(
        viewer=maker, operator_id=sara.id, reason=WHY
    )
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()
    await signing_in.run_jobs()

    with clock.frozen(NOW + 2 * STEP):
        with pytest.raises(TokenInvalid):
            await service.viewer_of_token(old.issued.access_token)
        with pytest.raises(CredentialsInvalid):
            await support.sign_in(sara)
        secret, codes = await enrolled(await invitation(tmp_path))
    with clock.frozen(NOW + 3 * STEP):
        await support.sign_in(Colleague(sara.id, "sara", secret, codes))


async def reset(admins: tuple[Viewer, Viewer], operator_id: int) -> None:
    maker, approver = admins
    _, approval = await operator_requests.ask_for_reset(
        viewer=maker, operator_id=operator_id, reason=WHY
    )
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()


async def test_no_way_leads_back_to_the_secrets_from_before_a_reset(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    sara = await made(admins, tmp_path)
    await reset(admins, sara.id)
    maker, approver = admins
    await operators.suspend(viewer=maker, operator_id=sara.id, reason=WHY)
    _, approval = await operator_requests.ask_for_resumption(
        viewer=maker, operator_id=sara.id, reason=WHY
    )
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()
    await signing_in.run_jobs()

    assert await state_of(sara.id) is OperatorState.INVITED
    with clock.frozen(NOW + STEP):
        for code in (None, sara.recovery_codes[0]):
            with pytest.raises(CredentialsInvalid):
                await support.sign_in(sara, code=code)
        with pytest.raises(EnrolmentInvalid):
            await enrolment.confirm(
                user_name="sara",
                code=await invitation(tmp_path),
                one_time_password=sara.code(),
                address=ADDRESS,
            )
    assert await state_of(sara.id) is OperatorState.INVITED


async def test_who_half_set_up_an_account_is_not_active_after_a_suspension(
    admins: tuple[Viewer, Viewer],
) -> None:
    maker, approver = admins
    user_name, code = await support.invited()
    begun = await enrolment.begin(
        user_name=user_name, code=code, password=PASSWORD, address=ADDRESS
    )
    row = await database.fetch_one("SELECT id FROM operator WHERE user_name = $1", user_name)
    assert row is not None
    await operators.suspend(viewer=maker, operator_id=row["id"], reason=WHY)
    _, approval = await operator_requests.ask_for_resumption(
        viewer=maker, operator_id=row["id"], reason=WHY
    )
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()

    assert await state_of(row["id"]) is OperatorState.INVITED
    with pytest.raises(CredentialsInvalid):
        await support.sign_in(Colleague(row["id"], user_name, begun.totp_secret, ()))


@pytest.mark.parametrize("how", ["suspend", "reset", "roles"])
async def test_who_loses_rights_leaves_nothing_asked_and_nothing_granted(
    admins: tuple[Viewer, Viewer], how: str
) -> None:
    maker, approver = admins
    third = await support.new_operator(Role.ADMINISTRATOR)
    thief = await support.viewer_of(third)
    _, asked = await operator_requests.ask_for_operator(viewer=thief, new=new(), reason=WHY)
    other = await support.new_operator(Role.SUPPORT)
    _, granted = await operator_requests.ask_for_reset(
        viewer=maker, operator_id=other.id, reason=WHY
    )
    await approvals.grant(viewer=thief, approval_id=granted.id)

    if how == "suspend":
        await operators.suspend(viewer=maker, operator_id=third.id, reason=WHY)
    else:
        if how == "reset":
            _, change = await operator_requests.ask_for_reset(
                viewer=maker, operator_id=third.id, reason=WHY
            )
        else:
            _, change = await operator_requests.ask_for_roles(
                viewer=maker,
                operator_id=third.id,
                roles=frozenset({Role.OBSERVER}),
                scope=FARS,
                office=None,
                reason=WHY,
            )
        await approvals.grant(viewer=approver, approval_id=change.id)
        await executing.execute(change.id)
    await executing.execute(granted.id)

    rows = await database.fetch("SELECT id, state, granted_by, outcome_code FROM approval")
    found = {row["id"]: tuple(row)[1:] for row in rows}
    assert found[asked.id] == ("WITHDRAWN", None, "MAKER_RIGHTS_CHANGED")
    assert found[granted.id] == ("WAITING", None, None)
    assert await state_of(other.id) is OperatorState.ACTIVE
    trail = await database.fetch(
        "SELECT action, object_id FROM audit_entry"
        " WHERE action IN ('approval.withdrawn', 'approval.reopened') ORDER BY id"
    )
    assert [tuple(row) for row in trail] == [
        ("approval.withdrawn", str(asked.id)),
        ("approval.reopened", str(granted.id)),
    ]
    await approvals.grant(viewer=approver, approval_id=granted.id)  # by somebody else it may be
    await executing.execute(granted.id)
    assert await state_of(other.id) is OperatorState.INVITED


async def test_two_whom_one_colleague_made_do_not_approve_for_each_other(
    admins: tuple[Viewer, Viewer],
) -> None:
    owner, _ = admins
    puppets = [
        await support.viewer_of(
            await support.new_operator(Role.ADMINISTRATOR, created_by=owner.actor)
        )
        for _ in range(2)
    ]
    _, approval = await operator_requests.ask_for_operator(viewer=puppets[0], new=new(), reason=WHY)

    with pytest.raises(ApproverNotIndependent):
        await approvals.grant(viewer=puppets[1], approval_id=approval.id)


@pytest.mark.parametrize("what", ["phone", "name"])
async def test_another_phone_or_name_voids_what_was_granted(
    admins: tuple[Viewer, Viewer], what: str
) -> None:
    maker, approver = admins
    operator, approval = await operator_requests.ask_for_operator(
        viewer=maker, new=new(), reason=WHY
    )
    shown = await operators.find_operator(viewer=approver, operator_id=operator.id)
    assert shown is not None
    assert (shown.name, operator_phones.masked(shown)) == ("سارا رضایی", "+98912***4567")
    await approvals.grant(viewer=approver, approval_id=approval.id)
    if what == "phone":
        await repository_operators.save_phone(
            operator.id, operator_phones.seal(operator.id, "+989121234568")
        )
    else:
        await database.execute("UPDATE operator SET name = 'x' WHERE id = $1", operator.id)
    await signing_in.run_jobs()

    row = await database.fetch_one("SELECT state FROM approval WHERE id = $1", approval.id)
    assert row is not None
    assert row["state"] == "VOID"
    assert await state_of(operator.id) is OperatorState.REFUSED


async def test_an_emergency_that_new_roles_conflict_with_ends(
    admins: tuple[Viewer, Viewer],
) -> None:
    maker, approver = admins
    helper = await support.new_operator(Role.SUPPORT)
    found = await support.sign_in(helper)
    await support.new_operator(Role.AUDITOR, phone=PHONE)
    await break_glass.break_glass(
        viewer=found.viewer, role=Role.FINANCE_OFFICER, reason=WHY, hours=4
    )
    for roles, is_running in (({Role.OBSERVER}, True), ({Role.ADMINISTRATOR}, False)):
        _, approval = await operator_requests.ask_for_roles(
            viewer=maker,
            operator_id=helper.id,
            roles=frozenset(roles),
            scope=Scope(nation=True),
            office=None,
            reason=WHY,
        )
        await approvals.grant(viewer=approver, approval_id=approval.id)
        await executing.execute(approval.id)
        viewer = await service.viewer_of_token(found.issued.access_token)
        assert (viewer.break_glass is not None) is is_running
        assert viewer.may(Permission.DEDUCTIONS_APPROVE) is is_running


async def test_what_is_done_under_an_emergency_names_it(admins: tuple[Viewer, Viewer]) -> None:
    admin = admins[0]
    await support.new_operator(Role.AUDITOR, phone=PHONE)
    use = await break_glass.break_glass(viewer=admin, role=Role.SUPPORT, reason=WHY, hours=1)
    broken = replace(
        admin,
        break_glass=BreakGlass(
            use.id, Role.SUPPORT, of_roles([Role.SUPPORT]), NOW + timedelta(hours=1)
        ),
        permissions=admin.permissions | of_roles([Role.SUPPORT]),
    )
    member_id = await people.member("علی", "احمدی")
    await finding.search_members(viewer=broken, search="احمدی", first=5, after=None)
    await finding.open_file(viewer=broken, member_id=member_id, purpose=WHY)
    await finding.search_members(
        viewer=replace(broken, break_glass=None), search="احمدی", first=5, after=None
    )

    rows = await database.fetch(
        "SELECT after::jsonb ->> 'break_glass' AS named FROM audit_entry WHERE action = 'members.search' ORDER BY id"
    )
    assert [row["named"] for row in rows] == [str(use.id), None]
    reads = await database.fetch("SELECT reader_role FROM file_read")
    assert [row["reader_role"] for row in reads] == ["پشتیبان (دسترسی اضطراری)"]


async def test_an_invitation_is_good_once_for_its_time_and_for_its_code(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    maker, approver = admins
    _, approval = await operator_requests.ask_for_operator(viewer=maker, new=new(), reason=WHY)
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()
    await signing_in.run_jobs()
    code = await invitation(tmp_path)

    with pytest.raises(EnrolmentInvalid):
        await enrolled("AAAA-AAAA-AAAA")
    with clock.frozen(NOW + timedelta(hours=72)), pytest.raises(EnrolmentInvalid):
        await enrolled(code)
    await enrolled(code.lower().replace("-", " "))
    with pytest.raises(EnrolmentInvalid):
        await enrolled(code)


async def test_wrong_codes_of_outsiders_never_hold_up_who_is_invited(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    maker, approver = admins
    _, approval = await operator_requests.ask_for_operator(viewer=maker, new=new(), reason=WHY)
    await approvals.grant(viewer=approver, approval_id=approval.id)
    await signing_in.run_jobs()
    await signing_in.run_jobs()
    code = await invitation(tmp_path)

    async def begin(given: str, address: str = ADDRESS) -> enrolment.Begun:
        return await enrolment.begin(
            user_name="sara", code=given, password=PASSWORD, address=address
        )

    tried = await asyncio.gather(
        *(begin("AAAA-AAAA-AAAA") for _ in range(20)),
        *(begin("AAAA-AAAA-AAAA", f"203.0.113.{number}") for number in range(60)),
        begin(code),
        *(begin("AAAA-AAAA-AAAA") for _ in range(20)),
        return_exceptions=True,
    )

    names = [type(each).__name__ for each in tried]
    assert names[80] == "Begun"
    assert names.count("EnrolmentInvalid") == 65  # five are free for a network
    assert names.count("RateLimited") == 35
    await enrolled(code)


async def test_who_has_the_invitation_guesses_no_one_time_password(
    admins: tuple[Viewer, Viewer],
) -> None:
    del admins
    name, code = await support.invited()
    await enrolment.begin(user_name=name, code=code, password=PASSWORD, address=ADDRESS)

    tried = [
        asyncio.create_task(
            enrolment.confirm(
                user_name=name, code=code, one_time_password=WRONG, address=f"203.0.113.{number}"
            )
        )
        for number in range(8)
    ]
    names = [type(each).__name__ for each in await asyncio.gather(*tried, return_exceptions=True)]

    assert (names.count("EnrolmentInvalid"), names.count("RateLimited")) == (5, 3)


async def test_another_password_ends_the_other_sessions(
    admins: tuple[Viewer, Viewer],
) -> None:
    del admins
    sara = await support.new_operator(Role.SUPPORT, user_name="sara")
    other = await support.sign_in(sara)
    with clock.frozen(NOW + STEP):
        found = await support.sign_in(sara)
        with pytest.raises(CredentialsInvalid):
            await operator_account.change_password(
                viewer=found.viewer,
                session_id=found.issued.session_id,
                current="wrong wrong wrong",
                new=ANOTHER,
                one_time_password=sara.code(NOW + 2 * STEP),
            )
        await operator_account.change_password(
            viewer=found.viewer,
            session_id=found.issued.session_id,
            current=PASSWORD,
            new=ANOTHER,
            one_time_password=sara.code(NOW + 2 * STEP),
        )
        with pytest.raises(TokenInvalid):
            await service.viewer_of_token(other.issued.access_token)
        await service.viewer_of_token(found.issued.access_token)
    with clock.frozen(NOW + 3 * STEP):
        with pytest.raises(CredentialsInvalid):
            await support.sign_in(sara)
        await support.sign_in(sara, password=ANOTHER)


async def test_new_recovery_codes_replace_the_old(admins: tuple[Viewer, Viewer]) -> None:
    del admins
    sara = await support.new_operator(Role.SUPPORT)
    found = await support.sign_in(sara)

    codes = await operator_account.renew_recovery_codes(
        viewer=found.viewer,
        session_id=found.issued.session_id,
        one_time_password=sara.recovery_codes[1],
    )

    with pytest.raises(CredentialsInvalid):
        await support.sign_in(sara, code=sara.recovery_codes[0])
    await support.sign_in(sara, code=codes[0])
    assert (await operator_account.own_account(viewer=found.viewer)).recovery_codes_left == 9


async def test_a_session_and_the_password_alone_set_neither_codes_nor_password(
    admins: tuple[Viewer, Viewer],
) -> None:
    """The attack: an open session, the password, and no telephone; the session has just said who it is."""
    del admins
    sara = await support.new_operator(Role.SUPPORT)
    found = await support.sign_in(sara)
    stolen, session_id = found.viewer, found.issued.session_id

    for given in (None, WRONG, PASSWORD, sara.code()):  # the last is spent by signing in
        with pytest.raises(CredentialsInvalid):
            await operator_account.renew_recovery_codes(
                viewer=stolen, session_id=session_id, one_time_password=given
            )
    with pytest.raises((CredentialsInvalid, RateLimited)):
        await operator_account.change_password(
            viewer=stolen,
            session_id=session_id,
            current=PASSWORD,
            new=ANOTHER,
            one_time_password=None,
        )

    assert (await operator_account.own_account(viewer=stolen)).recovery_codes_left == 10
    with clock.frozen(NOW + STEP):
        await support.sign_in(sara)


async def test_an_emergency_gives_a_role_and_ends_by_itself(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    auditor = await made(admins, tmp_path, Role.AUDITOR)
    sara = await support.new_operator(Role.SUPPORT, user_name="helper", scope=FARS)
    found = await support.sign_in(sara)
    token = found.issued.access_token
    sent = len(signing_in.messages(tmp_path))

    use = await break_glass.break_glass(
        viewer=found.viewer, role=Role.FINANCE_OFFICER, reason=WHY, hours=4
    )

    viewer = await service.viewer_of_token(token)
    assert viewer.may(Permission.DEDUCTIONS_APPROVE)
    assert viewer.roles == {Role.SUPPORT}
    assert viewer.break_glass is not None
    assert viewer.break_glass.ends_at == NOW + timedelta(hours=4)
    await signing_in.run_jobs()
    told = signing_in.messages(tmp_path)[sent:]
    assert [(each["to"], "helper" in each["text"]) for each in told] == [(PHONE, True)]
    with pytest.raises(BreakGlassRunning):
        await break_glass.break_glass(viewer=viewer, role=Role.FINANCE_OFFICER, reason=WHY, hours=1)
    page = await break_glass.list_uses(
        viewer=await support.viewer_of(auditor), first=20, after=None
    )
    assert [(each.id, each.reason) for each in page.items] == [(use.id, WHY)]
    await database.execute("UPDATE staff_session SET last_seen_at = $1", NOW + timedelta(hours=4))
    with clock.frozen(NOW + timedelta(hours=4)):
        refreshed, _ = await service.staff_session_refresh(
            refresh_token=found.issued.refresh_token, device_id=support.DEVICE
        )
    assert not refreshed.viewer.may(Permission.DEDUCTIONS_APPROVE)
    assert refreshed.viewer.break_glass is None


async def test_an_emergency_has_its_bounds(admins: tuple[Viewer, Viewer]) -> None:
    helper = await support.viewer_of(await support.new_operator(Role.SUPPORT))
    observer = await support.viewer_of(await support.new_operator(Role.OBSERVER))

    for role, hours in (
        (Role.ADMINISTRATOR, 1),
        (Role.AUDITOR, 1),
        (Role.LOAN_OFFICER, 0),
        (Role.LOAN_OFFICER, MOST_BREAK_GLASS_HOURS + 1),
    ):
        with pytest.raises(BreakGlassInvalid):
            await break_glass.break_glass(viewer=helper, role=role, reason=WHY, hours=hours)
    with pytest.raises(RolesConflict):  # an administrator takes no money, not even so
        await break_glass.break_glass(
            viewer=admins[0], role=Role.FINANCE_OFFICER, reason=WHY, hours=1
        )
    with pytest.raises(Forbidden):
        await break_glass.break_glass(viewer=observer, role=Role.SUPPORT, reason=WHY, hours=1)
    with pytest.raises(Forbidden):
        await break_glass.list_uses(viewer=helper, first=20, after=None)
    assert await database.fetch("SELECT FROM break_glass") == []


async def test_of_two_emergencies_at_once_one_begins(admins: tuple[Viewer, Viewer]) -> None:
    del admins
    await support.new_operator(Role.AUDITOR, phone=PHONE)
    helper = await support.viewer_of(await support.new_operator(Role.SUPPORT))

    tried = await asyncio.gather(
        *(
            break_glass.break_glass(viewer=helper, role=Role.REGISTRAR, reason=WHY, hours=1)
            for _ in range(3)
        ),
        return_exceptions=True,
    )

    assert [type(each).__name__ for each in tried].count("BreakGlassRunning") == 2
    await break_glass.end_break_glass(viewer=helper)
    with pytest.raises(NotFound):
        await break_glass.end_break_glass(viewer=helper)


async def test_the_command_line_makes_two_administrators_and_then_refuses() -> None:
    for name, person in (("first", FIRST), ("second", SECOND)):
        found = await first_administrators.make(
            viewer=SYSTEM, user_name=name, name="مدیر", person=person, password=PASSWORD
        )
        colleague = Colleague(found.operator.id, name, found.totp_secret, found.recovery_codes)
        assert (await support.sign_in(colleague)).viewer.roles == {Role.ADMINISTRATOR}

    with pytest.raises(FirstAdministratorsThere):
        await first_administrators.make(
            viewer=SYSTEM,
            user_name="third",
            name="مدیر",
            person=Person("0076543218", PHONE),
            password=PASSWORD,
        )
    assert [
        row["user_name"]
        for row in await database.fetch("SELECT user_name FROM operator ORDER BY id")
    ] == ["first", "second"]


async def test_of_many_first_administrators_at_once_two_are_made() -> None:
    tried = await asyncio.gather(
        *(
            first_administrators.make(
                viewer=SYSTEM,
                user_name=f"admin{n}",
                name="مدیر",
                person=Person(f"code {n}", PHONE),
                password=PASSWORD,
            )
            for n in range(5)
        ),
        return_exceptions=True,
    )

    assert [type(each).__name__ for each in tried].count("FirstAdministratorsThere") == 3


async def test_the_trail_of_accounts_holds_nothing_personal(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    await made(admins, tmp_path)

    rows = await database.fetch("SELECT row_to_json(a)::text AS text FROM audit_entry a")
    text = " ".join(row["text"] for row in rows)
    for secret in ("9121234567", "0012345679", PASSWORD, "argon2", "سارا"):
        assert secret not in text
    assert len(rows) > 5


async def test_an_own_session_is_revoked_and_no_other(admins: tuple[Viewer, Viewer]) -> None:
    maker, approver = admins
    theirs = await staff_sessions.list_own(viewer=approver, session_id=None)

    with pytest.raises(NotFound):
        await service.session_revoke(viewer=maker, session_key=theirs[0].id)
    await service.session_revoke(viewer=approver, session_key=theirs[0].id)

    assert await staff_sessions.list_own(viewer=approver, session_id=None) == ()


async def test_a_resumption_is_for_the_suspended(admins: tuple[Viewer, Viewer]) -> None:
    sara = await support.new_operator(Role.SUPPORT)

    with pytest.raises(OperatorStateRefuses):
        await operator_requests.ask_for_resumption(
            viewer=admins[0], operator_id=sara.id, reason=WHY
        )
