"""Auditors and administrators hear of what is done to one of themselves, and nobody hears of a plain operator."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend import composition
from backend.access import acting_operators, operator_requests, operators
from backend.approvals import service as approvals
from backend.approvals.domain import Approval
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.settings import Settings
from tests.support import signing_in
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.staff import Colleague

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
NATION = Scope(nation=True)
WHY = "برای آزمون"
PHONES = {
    "first": "+989121110001",
    "second": "+989121110002",
    "auditor": "+989121110003",
    "concerned": "+989121110004",
    "gone": "+989121110005",
    "plain": "+989121110006",
}

Change = Callable[[Viewer, Viewer, int], Awaitable[None]]


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
    """Two administrators beside an auditor, one auditor who is suspended, one without a phone, and a plain operator."""
    await new("auditor", Role.AUDITOR)
    gone = await new("gone", Role.AUDITOR)
    await database.execute("UPDATE operator SET state = 'SUSPENDED' WHERE id = $1", gone.id)
    await support.new_operator(Role.AUDITOR, user_name="phoneless")
    await new("plain", Role.SUPPORT)
    first, second = await new("first", Role.ADMINISTRATOR), await new("second", Role.ADMINISTRATOR)
    return await support.viewer_of(first), await support.viewer_of(second)


async def new(name: str, role: Role) -> Colleague:
    return await support.new_operator(role, user_name=name, phone=PHONES[name])


async def granted(approver: Viewer, asked: Approval) -> None:
    await approvals.grant(viewer=approver, approval_id=asked.id)
    await signing_in.run_jobs()  # executes it


async def suspend(maker: Viewer, approver: Viewer, operator_id: int) -> None:
    del approver
    await operators.suspend(viewer=maker, operator_id=operator_id, reason=WHY)


async def reset(maker: Viewer, approver: Viewer, operator_id: int) -> None:
    _, asked = await operator_requests.ask_for_reset(
        viewer=maker, operator_id=operator_id, reason=WHY
    )
    await granted(approver, asked)


def re_role(*roles: Role) -> Change:
    async def change(maker: Viewer, approver: Viewer, operator_id: int) -> None:
        _, asked = await operator_requests.ask_for_roles(
            viewer=maker,
            operator_id=operator_id,
            roles=frozenset(roles),
            scope=NATION,
            office=None,
            reason=WHY,
        )
        await granted(approver, asked)

    return change


async def told(tmp_path: Path) -> dict[str, str]:
    """Who was sent what about the account, by user name; each was sent one message. The invitation is left out."""
    await signing_in.run_jobs()
    names = {phone: name for name, phone in PHONES.items()}
    sent = [
        (names[each["to"]], each["text"])
        for each in signing_in.messages(tmp_path)
        if "دعوت" not in each["text"]
    ]
    assert len(dict(sent)) == len(sent)
    return dict(sent)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (suspend, "باشگاه: first حساب concerned را تعلیق کرد. دلیل در فهرست حسابرسی است."),
        (
            reset,
            "باشگاه: به درخواست first گذرواژه و کدهای حساب concerned باطل شد. دلیل در فهرست حسابرسی است.",
        ),
        (
            re_role(Role.OBSERVER),
            "باشگاه: به درخواست first نقش یا حوزهٔ حساب concerned تغییر کرد. دلیل در فهرست حسابرسی است.",
        ),
    ],
    ids=["suspend", "reset", "roles"],
)
async def test_all_watchers_but_the_one_concerned_are_told(
    admins: tuple[Viewer, Viewer], tmp_path: Path, role: Role, change: Change, text: str
) -> None:
    concerned = await new("concerned", role)

    await change(*admins, concerned.id)

    assert await told(tmp_path) == dict.fromkeys(("first", "second", "auditor"), text)


async def test_who_is_made_a_watcher_is_told_of(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    concerned = await new("concerned", Role.SUPPORT)

    await re_role(Role.ADMINISTRATOR)(*admins, concerned.id)

    assert set(await told(tmp_path)) == {"first", "second", "auditor"}


async def test_who_is_resumed_as_a_watcher_is_told_of(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    concerned = await new("concerned", Role.AUDITOR)
    await database.execute("UPDATE operator SET state = 'SUSPENDED' WHERE id = $1", concerned.id)
    _, asked = await operator_requests.ask_for_resumption(
        viewer=admins[0], operator_id=concerned.id, reason=WHY
    )

    await granted(admins[1], asked)

    text = "باشگاه: به درخواست first تعلیق حساب concerned پایان یافت. دلیل در فهرست حسابرسی است."
    assert await told(tmp_path) == dict.fromkeys(("first", "second", "auditor"), text)


@pytest.mark.parametrize(("role", "watchers"), [(Role.AUDITOR, 3), (Role.SUPPORT, 0)])
async def test_who_is_made_a_watcher_anew_is_told_of(
    admins: tuple[Viewer, Viewer], tmp_path: Path, role: Role, watchers: int
) -> None:
    _, asked = await operator_requests.ask_for_operator(
        viewer=admins[0],
        new=operator_requests.NewOperator(
            user_name="concerned",
            name="سارا",
            office="ستاد",
            roles=frozenset({role}),
            scope=NATION,
            national_code="0012345679",
            phone=PHONES["concerned"],
        ),
        reason=WHY,
    )
    assert await told(tmp_path) == {}

    await granted(admins[1], asked)

    text = "باشگاه: به درخواست first حساب concerned با نقش مدیر سامانه یا حسابرس ساخته شد."
    assert await told(tmp_path) == dict.fromkeys(("first", "second", "auditor")[:watchers], text)


async def test_who_is_suspended_before_the_message_leaves_is_told_all_the_same(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    concerned = await new("concerned", Role.AUDITOR)
    await suspend(*admins, concerned.id)
    await database.execute("UPDATE operator SET state = 'SUSPENDED' WHERE user_name = 'auditor'")

    assert set(await told(tmp_path)) == {"first", "second", "auditor"}


@pytest.mark.parametrize(
    "change", [suspend, reset, re_role(Role.OBSERVER)], ids=["suspend", "reset", "roles"]
)
async def test_of_a_plain_operator_nobody_is_told(
    admins: tuple[Viewer, Viewer], tmp_path: Path, change: Change
) -> None:
    concerned = await new("concerned", Role.SUPPORT)

    await change(*admins, concerned.id)

    assert await told(tmp_path) == {}


async def test_a_suspension_that_is_repeated_or_rolled_back_tells_nobody_more(
    admins: tuple[Viewer, Viewer], tmp_path: Path
) -> None:
    concerned = await new("concerned", Role.AUDITOR)

    async def rolled_back() -> None:
        async with database.transaction():
            await suspend(*admins, concerned.id)
            raise LookupError

    with pytest.raises(LookupError):
        await rolled_back()
    assert await told(tmp_path) == {}

    for _ in range(2):
        await suspend(*admins, concerned.id)

    assert len(await told(tmp_path)) == 3


async def test_the_job_holds_no_name_and_no_number(admins: tuple[Viewer, Viewer]) -> None:
    concerned = await new("concerned", Role.AUDITOR)

    await suspend(*admins, concerned.id)

    rows = await database.fetch("SELECT convert_from(payload, 'UTF8') AS payload FROM pgqueuer")
    text = " ".join(row["payload"] for row in rows)
    assert len(rows) == 3
    assert not [each for each in (*PHONES, *PHONES.values(), WHY) if each in text]
