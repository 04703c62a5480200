"""What is refused tells nobody which names there are: one hash, the same statements, the same bytes, whatever is wrong.

Time is not measured: what takes it is counted.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.access import cashier_sign_in, passwords, staff_policy, store_staff
from backend.access.cashier_sign_in import Enrolled
from backend.access.staff_policy import StaffPolicy
from backend.access.store_staff import CashierMade
from backend.core import clock
from backend.core.permissions import Role
from backend.infra import db as database
from tests.support import places
from tests.support import staff as support
from tests.support.api import Api
from tests.support.member_scene import NOON
from tests.support.staff import ADDRESS, PASSWORD, Colleague

OPERATIONS = Path(__file__).resolve().parents[2] / "console" / "operations"
POLICY = StaffPolicy(free_tries=20)
WRONG = "wrong wrong wrong"
NO_CODE = "000000"


class Hasher:
    """The hasher, and how often it has compared."""

    def __init__(self) -> None:
        self._real = passwords._hasher
        self.compared = 0
        self.made = 0

    def verify(self, hashed: str, password: str) -> bool:
        self.compared += 1
        return self._real.verify(hashed, password)

    def hash(self, password: str) -> str:
        self.made += 1
        return self._real.hash(password)


@dataclass(frozen=True)
class Work:
    """What a request was answered, and what was done for it."""

    answer: bytes
    statements: int
    compared: int
    made: int


@pytest.fixture(autouse=True)
async def at_noon(api: Api) -> AsyncIterator[None]:
    del api
    staff_policy.configure(POLICY)
    with clock.frozen(NOON):
        yield
    staff_policy.configure(StaffPolicy())


@pytest.fixture
async def hasher(monkeypatch: pytest.MonkeyPatch) -> Hasher:
    await passwords.is_right(WRONG, None)  # the hash that nobody knows is made once a process
    found = Hasher()
    monkeypatch.setattr(passwords, "_hasher", found)
    return found


async def work_of(api: Api, hasher: Hasher, name: str, given: dict[str, object]) -> Work:
    compared, made = hasher.compared, hasher.made
    document = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    with database.count_statements() as sent:
        answer = await api.ask(document, {"input": given})
    return Work(
        answer.content, len(sent.statements), hasher.compared - compared, hasher.made - made
    )


async def operator(state: str = "ACTIVE") -> Colleague:
    colleague = await support.new_operator(Role.SUPPORT)
    await database.execute("UPDATE operator SET state = $2 WHERE id = $1", colleague.id, state)
    return colleague


def signing_in(user_name: str, *, password: str = WRONG, code: str = NO_CODE) -> dict[str, object]:
    return {"userName": user_name, "password": password, "totp": code}


async def test_operators_are_refused_alike(api: Api, hasher: Hasher) -> None:
    sara, suspended = await operator(), await operator("SUSPENDED")
    unset = await operator("INVITED")
    await database.execute("UPDATE operator SET password_hash = NULL WHERE id = $1", unset.id)
    tried = {
        "unknown": signing_in("nobody"),
        "no name at all": signing_in("!"),
        "wrong password": signing_in(sara.user_name, code=sara.code()),
        "wrong one-time password": signing_in(sara.user_name, password=PASSWORD),
        "wrong recovery code": signing_in(sara.user_name, code="AAAA-AAAA-AAAA-AAAA"),
        "suspended": signing_in(suspended.user_name),
        "suspended, all right": signing_in(
            suspended.user_name, password=PASSWORD, code=suspended.code()
        ),
        "not set up": signing_in(unset.user_name),
    }

    found = {
        name: await work_of(api, hasher, "OperatorSignIn", each) for name, each in tried.items()
    }

    (work,) = set(found.values())  # else pytest shows which one differs
    assert b"CREDENTIALS_INVALID" in work.answer
    assert (work.compared, work.made) == (1, 0)


async def test_who_is_locked_out_is_refused_as_who_is_wrong(api: Api, hasher: Hasher) -> None:
    staff_policy.configure(StaffPolicy(free_tries=20, stranger_tries_per_hour=1))
    sara = await operator()
    wrong = await work_of(api, hasher, "OperatorSignIn", signing_in("nobody"))
    await work_of(api, hasher, "OperatorSignIn", signing_in(sara.user_name, password=PASSWORD))

    locked = await work_of(
        api,
        hasher,
        "OperatorSignIn",
        signing_in(sara.user_name, password=PASSWORD, code=sara.code()),
    )

    assert locked == wrong
    assert locked.compared == 1


async def test_who_has_to_wait_is_told_so_before_anything_is_looked_at(
    api: Api, hasher: Hasher
) -> None:
    staff_policy.configure(StaffPolicy(free_tries=1))
    sara, suspended = await operator(), await operator("SUSPENDED")
    names = ("nobody", sara.user_name, suspended.user_name)
    for name in names:
        await work_of(api, hasher, "OperatorSignIn", signing_in(name))

    found = {await work_of(api, hasher, "OperatorSignIn", signing_in(name)) for name in names}

    (work,) = found
    assert b"RATE_LIMITED" in work.answer
    assert (work.compared, work.made) == (0, 0)


async def test_invitations_are_refused_alike(api: Api, hasher: Hasher) -> None:
    invited, _ = await support.invited()
    active, suspended = await operator(), await operator("SUSPENDED")
    for name, more in (
        ("OperatorEnrolBegin", {"password": "another horse entirely"}),
        ("OperatorEnrolConfirm", {"totp": NO_CODE}),
    ):
        found = {
            who: await work_of(
                api,
                hasher,
                name,
                {"userName": who, "invitationCode": "AAAA-AAAA-AAAA", **more},
            )
            for who in ("nobody", "!", invited, active.user_name, suspended.user_name)
        }

        (work,) = set(found.values())
        assert b"ENROLMENT_INVALID" in work.answer
        assert (work.compared, work.made) == (0, 0)  # a hash is made for who has the code


@dataclass(frozen=True)
class Till:
    """A store's device, and a cashier."""

    store: str
    device: Enrolled
    cashier: CashierMade


async def till(code: str) -> Till:
    store_id = (await places.save(places.draft(code, province_code="IR-07", city="شیراز")))[code]
    keeper = await support.viewer_of(await support.new_operator(Role.STORE_MANAGER))
    cashier = await store_staff.make_cashier(
        viewer=keeper, store_id=store_id, user_name="ali", name="علی"
    )
    device = await cashier_sign_in.enrol_device(
        store_code=code, code=await support.device_code(store_id), address=ADDRESS
    )
    return Till(code, device, cashier)


async def test_cashiers_are_refused_alike_on_their_device(api: Api, hasher: Hasher) -> None:
    open_till, closed, gone = await till("S1"), await till("S2"), await till("S3")
    await database.execute("UPDATE store SET state = 'SUSPENDED' WHERE code = 'S2'")
    await database.execute(
        "UPDATE cashier SET state = 'SUSPENDED' WHERE id = $1", gone.cashier.cashier.id
    )

    def given(at: Till, *, user_name: str = "ali", password: str = WRONG) -> dict[str, object]:
        return {
            "storeCode": at.store,
            "userName": user_name,
            "password": password,
            "deviceId": at.device.device_id,
        }

    tried = {
        "unknown": given(open_till, user_name="nobody"),
        "wrong password": given(open_till),
        "suspended store": given(closed),
        "suspended store, all right": given(closed, password=closed.cashier.password),
        "suspended cashier": given(gone),
        "suspended cashier, all right": given(gone, password=gone.cashier.password),
    }

    found = {
        name: await work_of(api, hasher, "CashierSignIn", each) for name, each in tried.items()
    }

    (work,) = set(found.values())
    assert b"CREDENTIALS_INVALID" in work.answer
    assert (work.compared, work.made) == (1, 0)
    # Without the device the cashier is not looked for; the answer and the hash are the same.
    elsewhere = {
        await work_of(api, hasher, "CashierSignIn", {**given(open_till), **other})
        for other in ({"deviceId": "guessed"}, {"storeCode": "S9"}, {"storeCode": "S2"})
    }
    (without,) = elsewhere
    assert (without.answer, without.compared) == (work.answer, 1)


async def test_device_codes_are_refused_alike(api: Api, hasher: Hasher) -> None:
    await till("S1")
    used = await support.device_code(
        (await places.save(places.draft("S2", province_code="IR-07", city="شیراز")))["S2"]
    )
    await cashier_sign_in.enrol_device(store_code="S2", code=used, address=ADDRESS)

    found = {
        name: await work_of(api, hasher, "StoreDeviceEnrol", {"storeCode": store, "code": code})
        for name, store, code in (
            ("unknown store", "S9", "AAAA-AAAA-AAAA-AAAA"),
            ("wrong code", "S1", "AAAA-AAAA-AAAA-AAAA"),
            ("no code at all", "S1", ""),
            ("used code", "S2", used),
            ("another store's", "S1", used),
        )
    }

    (work,) = set(found.values())
    assert b"DEVICE_CODE_INVALID" in work.answer
    assert (work.compared, work.made) == (0, 0)
