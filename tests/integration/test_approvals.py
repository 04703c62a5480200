"""Approvals on a real PostgreSQL: who may decide, what a change voids, and that each is done once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
import pytest

from backend.approvals import domain, executing, reading, service
from backend.approvals.domain import (
    Approval,
    ApprovalMistakeError,
    ApprovalState,
    ApproverNotIndependent,
)
from backend.approvals.refusals import (
    ApprovalAlreadyAsked,
    ApprovalAltered,
    ApprovalClosed,
    ApprovalNotAsShown,
)
from backend.audit.domain import AuditMistakeError, ReasonInvalid
from backend.core import clock
from backend.core.errors import DomainError, Forbidden, NotFound, Unauthenticated, Unavailable
from backend.core.locale import Locale
from backend.core.permissions import Permission
from backend.core.viewer import ANONYMOUS, SYSTEM, OwnFile, ReauthenticationNeeded, Scope, Viewer
from backend.infra import db as database
from backend.infra import jobs
from tests.support import approval_scene
from tests.support.approval_scene import (
    APPROVER,
    MAKER,
    OTHER,
    found,
    granted,
    queued,
    thing,
    trail,
)
from tests.support.approval_worker import APPROVE, FAIL, FORGET, REFUSE, ask, operator

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
async def things(database_url: str, db: None) -> AsyncIterator[None]:
    await approval_scene.set_up(database_url)
    with clock.frozen(NOW):
        yield


async def test_what_is_granted_is_done_once_and_the_trail_tells_each_step() -> None:
    approval = await ask(MAKER)
    assert (approval.state, await thing()) == (ApprovalState.WAITING, ("red", 0))
    assert await queued() == []

    after = await granted(approval)
    assert (after.state, after.granted_by) == (ApprovalState.GRANTED, "operator:2")
    assert await queued() == [{"approval_id": approval.id}]
    assert await thing() == ("red", 0)

    await executing.execute(approval.id)
    await executing.execute(approval.id)

    assert await thing() == ("green", 1)
    done = await found(approval)
    assert (done.state, done.closed_by, done.runs) == (ApprovalState.EXECUTED, "system", 1)
    assert await trail() == [
        ("approval.asked", "operator:1", None),
        ("approval.granted", "operator:2", None),
        ("approval.executed", "system", "operator:1"),
    ]


async def test_the_trail_says_what_was_asked_why_and_with_which_effect() -> None:
    approval = await ask(MAKER, money_effect_rials=-5_000, member_id=7, province_code="IR-07")

    row = await database.fetch_one("SELECT * FROM audit_entry")
    assert row is not None
    assert (row["object_type"], row["object_id"]) == ("Approval", str(approval.id))
    assert (row["subject_member_id"], row["province_code"]) == (7, "IR-07")
    assert row["reason"] == "رنگ کهنه است"
    assert orjson.loads(row["before"]) == {"colour": "red"}
    assert orjson.loads(row["after"]) == {
        "kind": "test.paint",
        "object": "Thing:1",
        "state": "WAITING",
        "digest": approval.digest,
        "money_effect_rials": -5_000,
        "outcome": None,
        "change": {"colour": "green"},
    }


async def test_a_change_of_the_object_voids_what_was_granted() -> None:
    approval = await ask(MAKER)
    await granted(approval)
    await database.execute("UPDATE thing SET colour = 'blue' WHERE id = 1")

    await executing.execute(approval.id)

    void = await found(approval)
    assert (void.state, void.outcome_code) == (ApprovalState.VOID, "APPROVAL_VOID")
    assert void.outcome_text == "آنچه تأیید شده بود پس از درخواست تغییر کرده است."
    assert await thing() == ("blue", 0)
    assert (await trail())[-1] == ("approval.void", "system", "operator:1")


async def test_what_is_gone_is_void() -> None:
    approval = await ask(MAKER)
    await granted(approval)
    await database.execute("DELETE FROM thing WHERE id = 1")

    await executing.execute(approval.id)

    assert (await found(approval)).state is ApprovalState.VOID


async def test_a_refusal_of_the_slice_closes_it_with_the_sentence_and_undoes_what_was_written() -> (
    None
):
    approval = await ask(MAKER, kind=REFUSE)
    await granted(approval)

    await executing.execute(approval.id)

    failed = await found(approval)
    assert (failed.state, failed.outcome_code) == (ApprovalState.FAILED, "TEST_TOO_DARK")
    assert failed.outcome_text == "خیلی تیره است."
    assert await thing() == ("red", 0)


async def test_an_unexpected_failure_is_tried_again_and_at_last_given_up() -> None:
    approval = await ask(MAKER, kind=FAIL)
    await granted(approval)

    for _ in range(domain.MAX_RUNS - 1):
        with pytest.raises(LookupError):
            await executing.execute(approval.id)
        assert (await found(approval)).state is ApprovalState.GRANTED
    await executing.execute(approval.id)

    failed = await found(approval)
    assert (failed.state, failed.outcome_code) == (ApprovalState.FAILED, "APPROVAL_GIVEN_UP")
    assert failed.runs == domain.MAX_RUNS
    assert await thing() == ("red", 0)


async def test_what_is_away_closes_nothing_however_often() -> None:
    approval = await ask(MAKER)
    await granted(approval)
    paint = service.registered()[approval.kind]

    async def away(_execution: domain.Execution) -> None:
        raise Unavailable(retry_after_seconds=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(service._kinds, approval.kind, replace(paint, execute=away))
        for _ in range(domain.MAX_RUNS + 2):
            with pytest.raises(Unavailable):
                await executing.execute(approval.id)
    waits = await found(approval)
    assert (waits.state, waits.runs) == (ApprovalState.GRANTED, 0)

    await executing.execute(approval.id)
    assert await thing() == ("green", 1)


async def test_an_auditor_of_an_association_sees_who_asked_and_granted() -> None:
    await granted(await ask(MAKER, province_code="IR-07", association_id=5))

    rows = await database.fetch("SELECT association_id FROM audit_entry")
    assert [row["association_id"] for row in rows] == [5, 5]


async def test_an_executor_that_does_not_compare_is_a_mistake_and_changes_nothing() -> None:
    approval = await ask(MAKER, kind=FORGET)
    await granted(approval)

    with pytest.raises(ApprovalMistakeError):
        await executing.execute(approval.id)

    assert await thing() == ("red", 0)


async def test_nobody_decides_about_the_own_account() -> None:
    approval = await ask(MAKER, object_type="Operator", object_id="2", fingerprint="red")

    for decide in (
        granted(approval, APPROVER),
        service.refuse(viewer=APPROVER, approval_id=approval.id, reason="نه"),
    ):
        with pytest.raises(ApproverNotIndependent):
            await decide
    assert await found(approval) == approval
    assert await queued() == []
    assert (await granted(approval, OTHER)).state is ApprovalState.GRANTED


async def test_a_chain_of_accounts_is_cut_after_one_step() -> None:
    """A made B, B made C. Each account was granted by somebody independent of who asked for it, so C decides for A."""
    a, b = operator(1), operator(5, created_by="operator:1")
    c = operator(6, created_by="operator:5")
    of_a = await ask(a)
    with pytest.raises(ApproverNotIndependent):
        await granted(of_a, b)
    of_b = await ask(b, object_id="2")
    for decider in (a, c):
        with pytest.raises(ApproverNotIndependent):
            await granted(of_b, decider)
    assert (await found(of_a), await found(of_b)) == (of_a, of_b)

    assert (await granted(of_a, c)).granted_by == "operator:6"


async def test_who_asks_without_the_permission_of_the_kind_leaves_nothing() -> None:
    with pytest.raises(Forbidden):
        await ask(operator(1, permissions=frozenset({APPROVE})))

    assert await database.fetch("SELECT FROM approval") == []
    assert await trail() == []


async def test_two_who_grant_at_once_and_two_workers_at_once_do_it_once() -> None:
    approval = await ask(MAKER)

    outcomes = await asyncio.gather(
        granted(approval, APPROVER), granted(approval, OTHER), return_exceptions=True
    )
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [ApprovalClosed]
    assert len(await queued()) == 1
    await asyncio.gather(*(executing.execute(approval.id) for _ in range(4)))

    assert await thing() == ("green", 1)
    assert [action for action, _, _ in await trail()].count("approval.executed") == 1


async def test_granting_once_more_changes_nothing_for_who_granted() -> None:
    approval = await ask(MAKER)
    first = await granted(approval)

    assert await granted(approval) == first
    assert len(await queued()) == 1
    assert len(await trail()) == 2

    await executing.execute(approval.id)
    assert await granted(approval) == await found(approval)
    assert await thing() == ("green", 1)
    with pytest.raises(ApprovalClosed):
        await granted(approval, OTHER)
    assert len(await trail()) == 3


async def test_who_granted_what_was_taken_back_is_told() -> None:
    approval = await ask(MAKER, not_before=NOW + HOUR)
    await granted(approval)
    await service.withdraw(viewer=MAKER, approval_id=approval.id)

    with pytest.raises(ApprovalClosed):
        await granted(approval)


@pytest.mark.parametrize(
    ("viewer", "asked", "refusal"),
    [
        (ANONYMOUS, {}, Unauthenticated),
        (SYSTEM, {}, Forbidden),
        (MAKER, {}, ApproverNotIndependent),
        (operator(2, created_by="operator:1"), {}, ApproverNotIndependent),
        (operator(2, permissions=frozenset({APPROVE})), {}, Forbidden),
        (operator(2, permissions=frozenset({Permission.APPROVALS_READ})), {}, NotFound),
        (
            operator(2, permissions=frozenset({Permission.APPROVALS_READ, Permission.AUDIT_READ})),
            {},
            Forbidden,
        ),
        (operator(2, own_member_id=7), {"member_id": 7}, OwnFile),
        (operator(2, scope=Scope(province_codes=frozenset({"IR-07"}))), {}, NotFound),
        (
            operator(2, scope=Scope(province_codes=frozenset({"IR-07"}))),
            {"province_code": "IR-08"},
            NotFound,
        ),
        (
            operator(2, scope=Scope(association_id=4)),
            {"province_code": "IR-07", "association_id": 5},
            NotFound,
        ),
        (operator(2), {"money_effect_rials": 0}, ReauthenticationNeeded),
        (
            operator(2, reauthenticated_at=NOW - timedelta(minutes=5)),
            {"money_effect_rials": 1},
            ReauthenticationNeeded,
        ),
    ],
)
async def test_who_may_not_grant_changes_nothing(
    viewer: Viewer, asked: dict[str, object], refusal: type[DomainError]
) -> None:
    approval = await ask(MAKER, **asked)

    with pytest.raises(refusal):
        await granted(approval, viewer)

    assert await found(approval) == approval
    assert await queued() == []
    assert len(await trail()) == 1


async def test_rights_need_a_recent_confirmation_without_any_money() -> None:
    needs = Permission.OPERATORS_APPROVE
    permissions = frozenset({needs, Permission.APPROVALS_READ})
    approval = await ask(MAKER, approve_permission=needs)

    with pytest.raises(ReauthenticationNeeded):
        await granted(approval, operator(2, permissions=permissions))
    after = await granted(approval, operator(2, permissions=permissions, reauthenticated_at=NOW))

    assert after.state is ApprovalState.GRANTED


async def test_the_maker_s_creator_may_not_grant() -> None:
    approval = await ask(operator(1, created_by="operator:2"))

    with pytest.raises(ApproverNotIndependent):
        await granted(approval)
    assert (await granted(approval, OTHER)).state is ApprovalState.GRANTED


@pytest.mark.parametrize(
    "scope",
    [
        Scope(nation=True),
        Scope(province_codes=frozenset({"IR-07", "IR-08"})),
        Scope(association_id=5),
    ],
)
async def test_who_sees_its_province_or_association_may_grant(scope: Scope) -> None:
    approval = await ask(MAKER, province_code="IR-07", association_id=5)

    after = await granted(approval, operator(2, scope=scope))

    assert after.state is ApprovalState.GRANTED


async def test_nobody_asks_for_the_own_file() -> None:
    with pytest.raises(OwnFile):
        await ask(operator(1, own_member_id=7), member_id=7)

    assert await trail() == []


async def test_the_approver_must_have_been_shown_what_is_asked() -> None:
    approval = await ask(MAKER)

    with pytest.raises(ApprovalNotAsShown):
        await service.grant(viewer=APPROVER, approval_id=approval.id, digest="0" * 64)

    assert await found(approval) == approval


async def test_what_waits_is_not_asked_for_again_until_it_is_closed() -> None:
    approval = await ask(MAKER)
    with pytest.raises(ApprovalAlreadyAsked):
        await ask(OTHER)
    assert len(await trail()) == 1

    await service.withdraw(viewer=MAKER, approval_id=approval.id)

    assert (await ask(OTHER)).state is ApprovalState.WAITING


async def test_what_is_asked_goes_with_a_transaction_that_fails() -> None:
    async def fail() -> None:
        async with database.transaction():
            await ask(MAKER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await database.fetch("SELECT FROM approval") == []
    assert await trail() == []


async def test_a_granted_one_cools_and_may_still_be_refused() -> None:
    approval = await ask(MAKER, not_before=NOW + 72 * HOUR)
    await granted(approval)
    assert await queued() == []
    await executing.execute(approval.id)
    await executing.sweep()
    assert (await queued(), await thing()) == ([], ("red", 0))

    refused = await service.refuse(viewer=OTHER, approval_id=approval.id, reason="صاحب خط زنگ زد")

    assert (refused.state, refused.outcome_text) == (ApprovalState.REFUSED, "صاحب خط زنگ زد")
    assert refused.granted_by == "operator:2"
    with clock.frozen(NOW + 72 * HOUR):
        await executing.sweep()
    assert await queued() == []


async def test_jobs_that_come_too_early_are_no_runs() -> None:
    approval = await ask(MAKER, not_before=NOW + HOUR)
    await granted(approval)

    for _ in range(domain.MAX_RUNS + 2):
        await executing.execute(approval.id)
    assert (await found(approval)).runs == 0
    with clock.frozen(NOW + HOUR):
        await executing.execute(approval.id)

    assert await thing() == ("green", 1)


async def test_one_that_can_t_be_closed_holds_up_no_other() -> None:
    stuck = await ask(MAKER, expires_in=DAY)
    other = await ask(MAKER, kind=REFUSE, object_id="2", expires_in=DAY)
    paint = service.registered()[stuck.kind]

    async def fail(_approval: Approval) -> None:
        raise LookupError

    with pytest.MonkeyPatch.context() as patch, clock.frozen(NOW + DAY):
        patch.setitem(service._kinds, stuck.kind, replace(paint, dropped=fail))
        await executing.sweep()

    assert (await found(stuck)).state is ApprovalState.WAITING
    assert (await found(other)).state is ApprovalState.EXPIRED


async def test_what_has_cooled_is_done_by_the_sweep() -> None:
    approval = await ask(MAKER, not_before=NOW + 72 * HOUR)
    await granted(approval)

    with clock.frozen(NOW + 72 * HOUR - timedelta(seconds=1)):
        await executing.sweep()
    assert await queued() == []
    with clock.frozen(NOW + 72 * HOUR):
        await executing.sweep()
        await executing.sweep()
        assert await queued() == [{"approval_id": approval.id}]
        await executing.execute(approval.id)

    assert await thing() == ("green", 1)


async def test_a_lost_job_is_enqueued_again() -> None:
    approval = await ask(MAKER)
    await granted(approval)
    await database.execute("DELETE FROM pgqueuer")

    await executing.sweep()
    assert await queued() == []
    with clock.frozen(NOW + executing.JOB_LOST_AFTER):
        await executing.sweep()

    assert await queued() == [{"approval_id": approval.id}]


async def test_what_nobody_decides_expires_and_its_slice_is_told() -> None:
    approval = await ask(MAKER, expires_in=DAY)
    with clock.frozen(NOW + DAY):
        with pytest.raises(ApprovalClosed):
            await granted(approval)
        await executing.sweep()

    assert (await found(approval)).state is ApprovalState.EXPIRED
    marks = await database.fetch("SELECT what FROM thing_mark")
    assert [row["what"] for row in marks] == [f"{approval.id} EXPIRED"]
    assert (await trail())[-1] == ("approval.expired", "system", "operator:1")


async def test_a_refusal_needs_a_reason_and_is_final() -> None:
    approval = await ask(MAKER)
    with pytest.raises(ReasonInvalid):
        await service.refuse(viewer=APPROVER, approval_id=approval.id, reason=" ")
    assert await found(approval) == approval

    await service.refuse(viewer=APPROVER, approval_id=approval.id, reason="لازم نیست")

    for viewer in (APPROVER, OTHER):
        with pytest.raises(ApprovalClosed):
            await granted(approval, viewer)
        with pytest.raises(ApprovalClosed):
            await service.refuse(viewer=viewer, approval_id=approval.id, reason="باز هم نه")
    with pytest.raises(ApprovalClosed):
        await service.withdraw(viewer=MAKER, approval_id=approval.id)
    assert await queued() == []


async def test_only_the_maker_withdraws() -> None:
    approval = await ask(MAKER)

    with pytest.raises(NotFound):
        await service.withdraw(viewer=APPROVER, approval_id=approval.id)
    assert await found(approval) == approval
    after = await service.withdraw(viewer=MAKER, approval_id=approval.id, reason="اشتباه بود")

    assert (after.state, after.closed_by) == (ApprovalState.WITHDRAWN, "operator:1")


async def test_the_payload_is_sealed_shown_to_nobody_and_forgotten() -> None:
    approval = await ask(MAKER, payload={"colour": "green", "phone": "+989121234567"})

    row = await database.fetch_one("SELECT * FROM approval")
    assert row is not None
    assert b"989121234567" not in row["payload_sealed"]
    assert "9121234567" not in repr(approval)
    await granted(approval)
    await executing.execute(approval.id)
    row = await database.fetch_one("SELECT payload_sealed, payload_key_id FROM approval")
    assert row is not None
    assert tuple(row) == (None, None)


async def tamper(sql: str, *arguments: object) -> None:
    """As the owner of the table, who can take its triggers away."""
    await database.execute("ALTER TABLE approval DISABLE TRIGGER USER")
    await database.execute(sql, *arguments)
    await database.execute("ALTER TABLE approval ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE approval SET after = \'{"colour":"black"}\' WHERE id = $1',
        "UPDATE approval SET maker = 'operator:9' WHERE id = $1",
        "UPDATE approval SET fingerprint = 'blue' WHERE id = $1",
        "UPDATE approval SET object_id = '3' WHERE id = $1",
        "UPDATE approval SET money_effect_rials = 1 WHERE id = $1",
        "UPDATE approval SET payload_sealed = payload_sealed || '\\x00' WHERE id = $1",
        "UPDATE approval a SET payload_sealed = b.payload_sealed FROM approval b WHERE a.id = $1 AND b.id <> a.id",
    ],
)
@pytest.mark.parametrize("is_granted", [False, True])
async def test_a_row_that_is_changed_in_the_database_is_not_done(
    change: str, is_granted: bool
) -> None:
    await ask(MAKER, object_id="2", payload={"colour": "black"}, after={"colour": "black"})
    approval = await ask(MAKER)
    if is_granted:
        await granted(approval)
    await tamper(change, approval.id)

    if is_granted:
        await executing.execute(approval.id)
        void = await found(approval)
        assert (void.state, void.outcome_code) == (ApprovalState.VOID, "APPROVAL_VOID")
        assert void.outcome_text == ApprovalAltered().message(Locale.FA)
    else:
        viewer = operator(2, reauthenticated_at=NOW)
        with pytest.raises(ApprovalAltered):
            await service.grant(viewer=viewer, approval_id=approval.id)

    assert await thing() == ("red", 0)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE approval SET after = '{}'",
        "UPDATE approval SET maker = 'operator:9'",
        "UPDATE approval SET not_before = NULL, expires_at = expires_at + interval '1 day'",
        "DELETE FROM approval",
        "TRUNCATE approval CASCADE",
    ],
)
async def test_the_database_keeps_what_was_asked(change: str) -> None:
    await ask(MAKER)

    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute(change)


async def test_the_database_lets_nobody_grant_the_own_request_or_open_a_closed_one() -> None:
    approval = await ask(MAKER)
    for who in ("operator:1", "operator:9"):
        await tamper("UPDATE approval SET maker_created_by = 'operator:9'")
        with pytest.raises(asyncpg.CheckViolationError):
            await database.execute(
                "UPDATE approval SET state = 'GRANTED', granted_by = $1, granted_at = now()", who
            )
    await tamper("UPDATE approval SET maker_created_by = NULL")
    await service.withdraw(viewer=MAKER, approval_id=approval.id)

    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute("UPDATE approval SET state = 'GRANTED'")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"kind": "test.unknown"}, ApprovalMistakeError),
        ({"expires_in": timedelta(0)}, ApprovalMistakeError),
        ({"expires_in": domain.MAX_WAIT + HOUR}, ApprovalMistakeError),
        ({"not_before": NOW + domain.MAX_COOLING + HOUR}, ApprovalMistakeError),
        ({"payload": {"text": "x" * domain.MAX_PAYLOAD_BYTES}}, ApprovalMistakeError),
        ({"after": {"phone": "+989121234567"}}, AuditMistakeError),
        ({"reason": ""}, ReasonInvalid),
    ],
)
async def test_what_can_t_be_asked(changed: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        await ask(MAKER, **changed)

    assert await database.fetch("SELECT FROM approval") == []


async def test_lists_hold_what_the_viewer_asked_for_or_may_decide_within_the_scope() -> None:
    fars, tehran = frozenset({"IR-07"}), frozenset({"IR-23"})
    other = frozenset({"test.other", Permission.APPROVALS_READ})
    a = await ask(MAKER, province_code="IR-07", association_id=5)
    b = await ask(MAKER, province_code="IR-23", object_id="2", approve_permission="test.other")
    c = await ask(OTHER, kind=REFUSE, object_id="2")

    async def ids(viewer: Viewer, **filters: object) -> list[int]:
        arguments = {"state": None, "kind": None, "first": 10, "after": None} | filters
        page = await reading.list_approvals(viewer=viewer, **arguments)  # type: ignore[arg-type]
        return [each.id for each in page.items]

    audit = frozenset({Permission.AUDIT_READ, Permission.APPROVALS_READ})
    assert await ids(APPROVER) == [c.id, a.id]
    assert await ids(operator(1, permissions=other)) == [b.id, a.id]
    assert await ids(operator(9, permissions=other)) == [b.id]
    assert await ids(operator(9, permissions=audit)) == [c.id, b.id, a.id]
    assert await ids(operator(9, permissions=audit, scope=Scope(province_codes=fars))) == [a.id]
    assert await ids(operator(9, permissions=audit, scope=Scope(province_codes=tehran))) == [b.id]
    assert await ids(operator(9, permissions=audit, scope=Scope(association_id=5))) == [a.id]
    assert await ids(operator(9, permissions=audit, scope=Scope())) == []
    assert await ids(APPROVER, kind=REFUSE) == [c.id]
    await granted(a)
    assert await ids(APPROVER, state=ApprovalState.GRANTED) == [a.id]
    assert await ids(APPROVER, state=ApprovalState.WAITING) == [c.id]
    for viewer, seen in ((APPROVER, [a, c]), (operator(9, permissions=other), [b])):
        for each in (a, b, c):
            one = await reading.find_approval(viewer=viewer, approval_id=each.id)
            assert (one is not None) == (each in seen)


async def test_pages_follow_each_other() -> None:
    asked = [await ask(MAKER, object_id=str(number)) for number in range(3, 8)]
    seen: list[int] = []
    after: str | None = None
    while True:
        page = await reading.list_approvals(
            viewer=APPROVER, state=None, kind=None, first=2, after=after
        )
        seen += [each.id for each in page.items]
        if not page.has_next:
            break
        after = page.cursors[-1]

    assert seen == [each.id for each in reversed(asked)]


async def test_who_has_no_permission_sees_no_list() -> None:
    for viewer, error in (
        (ANONYMOUS, Unauthenticated),
        (operator(2, permissions=frozenset()), Forbidden),
    ):
        with pytest.raises(error):
            await reading.list_approvals(viewer=viewer, state=None, kind=None, first=1, after=None)


def test_the_jobs_are_registered() -> None:
    assert jobs.schedules()["approvals.sweep"] == "* * * * *"
    assert service.EXECUTE_JOB in jobs.registered()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'LOST'", "approval_state"),
        ("granted_by = 'operator:1', granted_at = now()", "approval_second_person"),
        (
            "state = 'GRANTED', granted_by = 'thing:1', granted_at = now()",
            "approval_own_account",
        ),
        ("granted_by = 'operator:2'", "approval_decisions"),
        ("state = 'GRANTED'", "approval_state_fits"),
        ("state = 'EXECUTED'", "approval_state_fits"),
        ("payload_sealed = NULL", "approval_payload"),
    ],
)
async def test_the_database_repeats_the_rules(change: str, constraint: str) -> None:
    await ask(MAKER)

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await database.execute(f"UPDATE approval SET {change}")

    assert refused.value.constraint_name == constraint
