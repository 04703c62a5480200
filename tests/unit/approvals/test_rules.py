"""The rules of approvals: who is independent, what a digest is of, and when something may be done."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from backend.approvals import domain
from backend.approvals.domain import (
    Approval,
    ApprovalState,
    ApprovalVoid,
    ApproverNotIndependent,
    Execution,
    Question,
)
from backend.core.permissions import MONEY, RIGHTS, Permission
from backend.core.viewer import SYSTEM

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
APPROVAL = Approval(
    id=1,
    public_id=UUID(int=1),
    kind="stores.iban_change",
    object_type="Store",
    object_id="7",
    member_id=3,
    province_code="IR-07",
    association_id=4,
    before={"state": "OLD"},
    after={"state": "NEW"},
    money_effect_rials=None,
    reason="دلیل",
    approve_permission=Permission.MEMBERS_FREEZE_LIFT_APPROVE,
    fingerprint="f",
    maker="operator:1",
    maker_created_by="operator:9",
    maker_makers=("operator:8", "operator:9"),
    asked_at=NOW,
    expires_at=NOW + HOUR,
    not_before=NOW + HOUR,
    state=ApprovalState.GRANTED,
    digest="d",
    granted_by="operator:2",
    granted_at=NOW,
    closed_by=None,
    closed_at=None,
    outcome_code=None,
    outcome_text=None,
    runs=0,
)
OTHER = {
    "public_id": UUID(int=2),
    "member_id": None,
    "province_code": None,
    "association_id": None,
    "before": {},
    "after": {"state": "OLD"},
    "money_effect_rials": 0,
    "not_before": None,
    "maker_created_by": None,
    "maker_makers": ("operator:7",),
    "asked_at": NOW - HOUR,
    "expires_at": NOW,
}


@pytest.mark.parametrize("name", [each.name for each in fields(Question)])
def test_the_digest_is_of_everything_that_is_asked(name: str) -> None:
    changed = replace(APPROVAL, **{name: OTHER.get(name, "other")})  # type: ignore[arg-type]

    assert domain.digest_of(changed) != domain.digest_of(APPROVAL)


def test_the_digest_is_of_nothing_that_becomes_of_it() -> None:
    later = replace(APPROVAL, id=2, state=ApprovalState.VOID, runs=3, closed_by="system")

    assert domain.digest_of(later) == domain.digest_of(APPROVAL)


@pytest.mark.parametrize(
    ("actor", "created_by", "is_independent"),
    [
        ("operator:2", None, True),
        ("operator:2", "operator:8", True),
        ("operator:2", "operator:9", False),  # the same colleague made both
        ("operator:1", None, False),
        ("operator:2", "operator:1", False),
        ("operator:9", None, False),
    ],
)
def test_who_decides_is_another_and_neither_has_made_the_other(
    actor: str, created_by: str | None, is_independent: bool
) -> None:
    if is_independent:
        domain.require_independent(APPROVAL, actor=actor, created_by=created_by, makers=frozenset())
        return
    with pytest.raises(ApproverNotIndependent):
        domain.require_independent(APPROVAL, actor=actor, created_by=created_by, makers=frozenset())


def test_two_whom_the_command_line_made_are_independent() -> None:
    asked = replace(APPROVAL, maker_created_by=SYSTEM.actor)

    asked_by_nobodys = replace(asked, maker_makers=())
    domain.require_independent(
        asked_by_nobodys, actor="operator:2", created_by=SYSTEM.actor, makers=frozenset()
    )
    domain.require_independent(
        replace(asked_by_nobodys, maker_created_by=None),
        actor="operator:2",
        created_by=None,
        makers=frozenset(),
    )


@pytest.mark.parametrize(
    ("actor", "makers", "is_independent"),
    [
        ("operator:2", {"operator:3"}, True),
        ("operator:2", {"operator:1", "operator:3"}, False),  # the maker granted this account
        ("operator:8", {"operator:3"}, False),  # this account granted the maker's
        (
            "operator:2",
            {"operator:8"},
            True,
        ),  # the same colleague granted both: two of a small house
    ],
)
def test_neither_has_granted_the_other(actor: str, makers: set[str], is_independent: bool) -> None:
    made_by = frozenset(makers)
    if is_independent:
        domain.require_independent(APPROVAL, actor=actor, created_by="operator:3", makers=made_by)
        return
    with pytest.raises(ApproverNotIndependent):
        domain.require_independent(APPROVAL, actor=actor, created_by="operator:3", makers=made_by)


def test_what_was_asked_before_makers_were_kept_keeps_its_digest_and_is_granted_by_nobody() -> None:
    asked = replace(APPROVAL, maker_makers=None)
    asked = replace(asked, digest=domain.digest_of(asked))

    assert domain.is_as_asked(asked)
    assert domain.is_as_asked(replace(asked, maker_makers=("operator:8",)))  # filled in later
    asked_now = replace(APPROVAL, digest=domain.digest_of(APPROVAL))
    assert not domain.is_as_asked(replace(asked_now, maker_makers=()))
    with pytest.raises(ApproverNotIndependent):
        domain.require_independent(
            asked, actor="operator:2", created_by="operator:3", makers=frozenset()
        )


@pytest.mark.parametrize("permission", list(Permission))
def test_money_and_rights_need_a_recent_confirmation(permission: Permission) -> None:
    asked = replace(APPROVAL, approve_permission=permission)

    assert domain.needs_recent(asked) is (permission in MONEY | RIGHTS)
    assert domain.needs_recent(replace(asked, money_effect_rials=0))


def test_it_may_be_done_once_granted_and_cooled() -> None:
    assert not domain.may_run(APPROVAL, NOW + HOUR - timedelta(microseconds=1))
    assert domain.may_run(APPROVAL, NOW + HOUR)
    assert domain.may_run(replace(APPROVAL, not_before=None), NOW)
    for state in set(ApprovalState) - {ApprovalState.GRANTED}:
        assert not domain.may_run(replace(APPROVAL, state=state), NOW + HOUR)


def test_an_executor_that_finds_another_state_is_stopped() -> None:
    execution = Execution(approval=APPROVAL, payload={}, viewer=SYSTEM)
    assert not execution.is_compared

    for present, province_code, association_id in (
        ("other", "IR-07", 4),
        (None, "IR-07", 4),
        ("f", "IR-23", 4),
        ("f", "IR-07", 5),
        ("f", None, None),
    ):
        with pytest.raises(ApprovalVoid):
            execution.require_unchanged(
                present, province_code=province_code, association_id=association_id
            )
    execution.require_unchanged("f", province_code="IR-07", association_id=4)

    assert execution.is_compared
