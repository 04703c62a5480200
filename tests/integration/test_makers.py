"""Who made an account decides nothing for it, and nothing of it: asked for, granted, or newly phoned."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend import composition
from backend.access import (
    acting_operators,
    first_administrators,
    operator_phones,
    operator_requests,
    operators,
    repository_operators,
)
from backend.access.first_administrators import FirstAdministrator
from backend.access.operator_requests import NewOperator
from backend.access.persons import Person
from backend.access.staff import Operator, OperatorState
from backend.access.staff_refusals import (
    AccountNotMade,
    FirstAdministratorsThere,
    PersonHasAccount,
    PersonNotHolder,
    SuspendedAdministratorsThere,
)
from backend.approvals import service as approvals
from backend.approvals.domain import Approval, ApproverNotIndependent
from backend.approvals.notice import NoticePending
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.settings import Settings
from tests.support import signing_in
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.staff import PASSWORD, Colleague

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
WHY = "برای آزمون"
CODE, OTHER_CODE = "0012345679", "2291234560"
PHONE, NEW_PHONE = "+989121110001", "+989121110009"
FARS = Scope(province_codes=frozenset({"IR-07"}))


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None, tmp_path: Path) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    composition.configure_sms(Settings(data_dir=tmp_path))
    approvals.set_still_may(acting_operators.still_may)
    with clock.frozen(NOW):
        yield
    await sms.close()


async def admin(name: str, *, created_by: str = "system", approved_by: str = "system") -> Viewer:
    made = await support.new_operator(Role.ADMINISTRATOR, user_name=name, created_by=created_by)
    await database.execute(
        "UPDATE operator SET approved_by = $2 WHERE id = $1", made.id, approved_by
    )
    return await support.viewer_of(made)


async def asked_by(viewer: Viewer) -> Approval:
    target = await support.new_operator(Role.SUPPORT)
    return await asked_about(viewer, target)


async def asked_about(viewer: Viewer, target: Colleague) -> Approval:
    _, asked = await operator_requests.ask_for_roles(
        viewer=viewer,
        operator_id=target.id,
        roles=frozenset({Role.OBSERVER}),
        scope=support.NATION,
        office=None,
        reason=WHY,
    )
    return asked


async def test_who_granted_an_account_decides_nothing_with_it() -> None:
    """The attack: A asks for C and B grants; C is the puppet of both, and B asks and C grants."""
    first, second = await admin("first"), await admin("second")
    third = await admin("third", created_by=first.actor, approved_by=second.actor)
    assert third.makers == {first.actor, second.actor}

    for maker, approver in ((second, third), (third, second), (first, third), (third, first)):
        asked = await asked_by(maker)
        with pytest.raises(ApproverNotIndependent):
            await approvals.grant(viewer=approver, approval_id=asked.id)
    asked = await asked_by(first)
    await approvals.grant(viewer=second, approval_id=asked.id)  # the pair goes on

    states = await database.fetch("SELECT state FROM approval ORDER BY id")
    assert [row["state"] for row in states] == [*["WAITING"] * 4, "GRANTED"]


async def test_the_database_lets_no_maker_grant_and_nobody_forget_one() -> None:
    first, second = await admin("first"), await admin("second")
    third = await admin("third", created_by=first.actor, approved_by=second.actor)
    asked = await asked_by(third)

    for statement in (
        f"UPDATE approval SET state = 'GRANTED', granted_by = '{second.actor}', granted_at = now()",
        "UPDATE approval SET maker_makers = '{}'",
        "UPDATE approval SET maker_makers = NULL",
    ):
        with pytest.raises(Exception, match=r"approval_not_by_makers|stays as it is"):
            await database.execute(f"{statement} WHERE id = {asked.id}")


async def holder() -> Colleague:
    return await support.new_operator(
        Role.SUPPORT, user_name="sara", national_code=CODE, phone=PHONE
    )


async def reset(viewer: Viewer, target: Colleague, **given: str) -> Approval:
    _, asked = await operator_requests.ask_for_reset(
        viewer=viewer, operator_id=target.id, reason=WHY, **given
    )
    return asked


async def test_a_lost_number_is_replaced_and_who_did_it_counts_as_a_maker(tmp_path: Path) -> None:
    first, second = await admin("first"), await admin("second")
    sara = await holder()

    asked = await reset(first, sara, phone="09121110009", national_code=CODE)

    assert (asked.before["number"], asked.after["number"]) == ("+98912***0001", "+98912***0009")
    with pytest.raises(NoticePending):
        await approvals.grant(viewer=second, approval_id=asked.id)
    await signing_in.run_jobs()
    [told] = signing_in.messages(tmp_path)
    assert (told["to"], "شمارهٔ دیگری" in told["text"]) == (PHONE, True)
    await approvals.grant(viewer=second, approval_id=asked.id)
    await signing_in.run_jobs()
    found = await found_operator(sara.id)
    assert found.phone is not None
    assert operator_phones.unseal(found.id, found.phone) == NEW_PHONE
    assert found.state is OperatorState.INVITED
    assert found.makers == {first.actor, second.actor}
    await signing_in.run_jobs()
    assert [each["to"] for each in signing_in.messages(tmp_path)] == [PHONE, NEW_PHONE]


async def test_a_number_is_nobodys_but_the_holders() -> None:
    first = await admin("first")
    await admin("second")
    sara = await holder()

    with pytest.raises(PersonNotHolder):
        await reset(first, sara, phone="09121110009", national_code=OTHER_CODE)

    assert await database.fetch("SELECT FROM approval") == []
    assert await database.fetch("SELECT FROM pgqueuer") == []


async def make(name: str, code: str, **given: str) -> FirstAdministrator:
    return await first_administrators.make(
        viewer=SYSTEM,
        user_name=name,
        name="مدیر",
        person=Person(code, PHONE),
        password=PASSWORD,
        **given,
    )


async def test_a_shell_makes_no_second_person_of_an_administrator(tmp_path: Path) -> None:
    """The attack: A suspends B alone, and makes on the command line an account that is nobody's making."""
    made = [await make("first", CODE), await make("second", OTHER_CODE)]
    viewer = await support.viewer_of(
        Colleague(made[0].operator.id, "first", made[0].totp_secret, made[0].recovery_codes)
    )
    await operators.suspend(viewer=viewer, operator_id=made[1].operator.id, reason=WHY)
    await signing_in.run_jobs()
    before = len(signing_in.messages(tmp_path))

    with pytest.raises(SuspendedAdministratorsThere):
        await make("puppet", "0076543218")

    recovered = await make("third", "0076543218", recover="مدیر دوم درگذشته است")
    await signing_in.run_jobs()
    told = signing_in.messages(tmp_path)[before:]
    assert len(told) == 2  # the first, and the one who is suspended
    assert all("third" in each["text"] for each in told)
    [entry] = await database.fetch(
        "SELECT object_id, reason FROM audit_entry WHERE action = 'operator.recovered'"
    )
    assert dict(entry) == {
        "object_id": str(recovered.operator.id),
        "reason": "مدیر دوم درگذشته است",
    }
    with pytest.raises(FirstAdministratorsThere):  # two can act again
        await make("fourth", "0084575948", recover=WHY)


async def test_where_a_person_has_an_account_is_told_to_the_nations_administrators_alone() -> None:
    await holder()
    nations = await admin("first")
    fars = await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR, scope=FARS))

    def new(user_name: str, national_code: str) -> NewOperator:
        return NewOperator(
            user_name=user_name,
            name="سارا",
            office="شیراز",
            roles=frozenset({Role.SUPPORT}),
            scope=FARS,
            national_code=national_code,
            phone="09121110009",
        )

    with pytest.raises(PersonHasAccount):
        await operator_requests.ask_for_operator(
            viewer=nations, new=new("another", CODE), reason=WHY
        )
    for asked in (new("another", CODE), new("sara", OTHER_CODE)):  # alike, whichever it is
        with pytest.raises(AccountNotMade) as refused:
            await operator_requests.ask_for_operator(viewer=fars, new=asked, reason=WHY)
        assert refused.value.field == ("userName",)


async def found_operator(operator_id: int) -> Operator:
    found = await repository_operators.find_operator(operator_id, scope=support.NATION)
    assert found is not None
    return found
