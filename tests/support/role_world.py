"""One world for the walk through all roles: everybody who may ask, and what they ask about.

The member, the store, the colleague and the approvals that are asked about are of Fars (IR-07), the member and the
approvals of the association A-07-1 too. Of each role there is an operator for the nation; `scoped` makes those for
provinces with and without Fars, and for that association and another one. NOON is the moment.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from backend.access import (
    break_glass,
    cashier_sign_in,
    enrolment,
    phone_change,
    staff_sessions,
    store_staff,
)
from backend.access import repository_operators as operators_repository
from backend.access import repository_store_staff as till_repository
from backend.access.staff import OperatorState
from backend.access.staff_sessions import Place
from backend.approvals import service as approvals
from backend.audit import service as audit
from backend.core import clock, origin
from backend.core.ids import GlobalId
from backend.core.origin import Origin
from backend.core.permissions import Permission, Role
from backend.core.viewer import SYSTEM, ActorKind, Scope, Viewer
from backend.infra import cache, db
from backend.infra.tokens import Bearer
from backend.members import freezing
from backend.organization import service as organization
from backend.stores.domain import Settlement, SettlementMode
from tests.support import access, member_scene, operators, places, staff
from tests.support.member_scene import IBAN, NOON, SHIRAZ, Scene
from tests.support.staff import PASSWORD, Colleague

ANONYMOUS, MEMBER, OTHER = "anonymous", "member", "other member"
CASHIER, OTHER_CASHIER = "cashier", "cashier of another store"
# Where a scoped operator of a role looks from: whether that holds the member, and whether it holds the store.
INSIDE, OUTSIDE = "provinces", "other provinces"
ASSOCIATION, OTHER_ASSOCIATION = "association", "other association"
WHERE: Final = (INSIDE, OUTSIDE, ASSOCIATION, OTHER_ASSOCIATION)
CODE, PHONE = "A-07-1", "+989121234599"
LAST_NAME, FROZEN, MOVING = "احمدی", "یخ‌زده", "جابه‌جا"
WHY = "نامهٔ اداره"


@dataclass(frozen=True)
class Asker:
    """Who asks: the name in the table, and what a client of theirs holds."""

    name: str
    access_token: str | None = None
    refresh_token: str = "none"  # noqa: S105 - of who has none
    device_id: str = "console"
    colleague: Colleague | None = None
    role: Role | None = None

    @property
    def headers(self) -> dict[str, str]:
        if self.access_token is None:
            return {}
        return {"authorization": f"Bearer {self.access_token}"}

    @property
    def own(self) -> dict[str, str]:
        """What stands for `<own_…>` in a document."""
        code = "000000" if self.colleague is None else self.colleague.code()
        return {"own_refresh": self.refresh_token, "own_device": self.device_id, "own_totp": code}


@dataclass
class World:
    """Everybody, and what stands for `<…>` in a document; `secrets` is what no answer to an outsider may hold."""

    scene: Scene
    data_dir: Path
    given: dict[str, str | int] = field(default_factory=dict)
    askers: dict[str, Asker] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    _tables: str = ""

    async def fingerprint(self) -> dict[str, tuple[int, int]]:
        """How many rows each table holds, and a checksum of them; jobs that wait are rows of a table as well."""
        if not self._tables:
            rows = await db.fetch(
                """
                SELECT c.relname AS name FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND c.relnamespace = 'public'::regnamespace ORDER BY 1
                """
            )
            assert len(rows) > 40, rows
            self._tables = " UNION ALL ".join(
                f"SELECT '{row['name']}' AS name, count(*) AS rows,"
                f" coalesce(sum(hashtextextended(t::text, 0)), 0) AS sum FROM {row['name']} t"
                for row in rows
            )
        return {row["name"]: (row["rows"], int(row["sum"])) for row in await db.fetch(self._tables)}

    async def has_written(self) -> bool:
        """Whether the current transaction has locked or written anything; if not, nothing can differ."""
        row = await db.fetch_one("SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS yes")
        assert row is not None
        return bool(row["yes"])

    def sent(self) -> int:
        """How much was written of messages."""
        files = [each for each in self.data_dir.rglob("*") if each.is_file()]
        return sum(each.stat().st_size for each in files)


class _Undo(Exception):
    pass


@asynccontextmanager
async def undone() -> AsyncIterator[None]:
    """What the block does is undone, and so is what it counted of tries; what a commit would start never starts."""
    try:
        async with db.transaction():
            yield
            raise _Undo  # noqa: TRY301 - to be caught here, outside the transaction
    except _Undo:
        pass
    await cache.client().flushall()


async def made(data_dir: Path) -> World:
    """The world, in the empty database that is connected."""
    scene = await member_scene.set_up()
    world = World(scene, data_dir)
    await _places(scene)
    units = await _units()
    await _askers(world, units)
    await _objects(world, units)
    return world


async def _places(scene: Scene) -> None:
    offer = places.offer("تخفیف", date(2026, 11, 1), date(2026, 12, 1))
    hours = places.exceptional(places.ALWAYS, NOON.date() + timedelta(days=3), (480, 720))
    saved = await places.save(
        places.draft(
            "hafez",
            at=SHIRAZ,
            province_code="IR-07",
            city="شیراز",
            phones=("+989121234567",),
            schedule=hours,
            offers=(offer,),
            settlement=Settlement(IBAN, None, SettlementMode.AT_ONCE),
        ),
        places.draft("azadi"),  # alone in its part of the map
        places.draft("closed", at=SHIRAZ, province_code="IR-07", city="شیراز"),
    )
    scene.stores.update(saved)
    await db.execute("UPDATE store SET mobiles_changed_at = NULL")  # known for long
    await places.suspend("closed")
    await organization.open_provinces(viewer=SYSTEM, codes=["IR-07"])


async def _units() -> dict[str, int]:
    others = await operators.associations("A-07-2")
    found = await organization.associations_by_code([CODE])
    return {ASSOCIATION: found[CODE].id, OTHER_ASSOCIATION: others["A-07-2"]}


async def _askers(world: World, units: dict[str, int]) -> None:
    scopes = {
        INSIDE: Scope(province_codes=frozenset({"IR-07", "IR-21"})),
        OUTSIDE: Scope(province_codes=frozenset({"IR-23", "IR-21"})),
        ASSOCIATION: Scope(association_id=units[ASSOCIATION]),
        OTHER_ASSOCIATION: Scope(association_id=units[OTHER_ASSOCIATION]),
    }
    askers = world.askers
    askers[ANONYMOUS] = Asker(ANONYMOUS)
    for name, member_id in ((MEMBER, world.scene.member_id), (OTHER, world.scene.other_id)):
        issued = await access.signed_in(
            member_id, device_id=f"device-of-{name.replace(chr(32), chr(45))}"
        )
        askers[name] = Asker(
            name,
            issued.access_token,
            issued.refresh_token,
            device_id=f"device-of-{name.replace(chr(32), chr(45))}",
        )
    for role in Role:
        colleague = await staff.new_operator(role)
        askers[role] = await _operator(role, colleague)
        with clock.frozen(NOON - timedelta(minutes=6)):
            stale = await _operator(f"{role} a while ago", colleague)
        askers[stale.name] = stale
        for where in WHERE:
            name = f"{role} of {where}"
            askers[name] = await _operator(
                name, await staff.new_operator(role, scope=scopes[where])
            )
    for name, code in ((CASHIER, "hafez"), (OTHER_CASHIER, "saadi")):
        askers[name] = await _cashier(world, name, code)


async def _operator(name: str, colleague: Colleague) -> Asker:
    async with db.transaction():
        issued = await staff_sessions.open_session(
            bearer=Bearer.OPERATOR,
            holder_id=colleague.id,
            place=Place(device_id="console", device_name="Firefox", address=None),
        )
    role = Role(name.partition(" ")[0])
    return Asker(name, issued.access_token, issued.refresh_token, colleague=colleague, role=role)


async def _cashier(world: World, name: str, store_code: str) -> Asker:
    """A cashier who has set the own password, signed in on a device of the store."""
    await db.execute("UPDATE store SET state = 'ACTIVE' WHERE code = $1", store_code)
    store_id = world.scene.stores[store_code]
    keeper = await viewer_of(world.askers[Role.STORE_MANAGER])
    given = await store_staff.give_device_code(viewer=keeper, store_id=store_id, name="صندوق ۱")
    enrolled = await cashier_sign_in.enrol_device(
        store_code=store_code, code=given.code, address=None
    )
    user_name = f"cashier.{store_code}"
    new = await store_staff.make_cashier(
        viewer=keeper, store_id=store_id, user_name=user_name, name="صندوقدار"
    )
    row = await db.fetch_one(
        "UPDATE cashier SET has_initial_password = false, password_hash = (SELECT password_hash FROM operator"
        " WHERE password_hash IS NOT NULL LIMIT 1) WHERE id = $1 RETURNING id",
        new.cashier.id,
    )
    assert row is not None
    signed_in = await cashier_sign_in.cashier_sign_in(
        store_code=store_code,
        user_name=user_name,
        password=PASSWORD,
        device_id=enrolled.device_id,
        address=None,
    )
    if name == CASHIER:
        world.given |= {
            "till": GlobalId("StoreDevice", enrolled.device.id).encode(),
            "till_secret": enrolled.device_id,
            "cashier": GlobalId("Cashier", new.cashier.id).encode(),
            "cashier_name": user_name,
        }
    issued = signed_in.issued
    return Asker(name, issued.access_token, issued.refresh_token, device_id=enrolled.device_id)


async def viewer_of(asker: Asker) -> Viewer:
    """The viewer behind an operator's token, who has just said again who it is."""
    assert asker.colleague is not None
    found = await staff.viewer_of(asker.colleague)
    assert found.kind is ActorKind.OPERATOR
    return found


async def _objects(world: World, units: dict[str, int]) -> None:
    scene, given = world.scene, world.given
    target = await staff.new_operator(
        Role.OBSERVER, scope=Scope(province_codes=frozenset({"IR-07"})), user_name="target"
    )
    await operators_repository.save_signed_in(target.id, at=NOON)
    resting = await staff.new_operator(
        Role.OBSERVER, scope=Scope(province_codes=frozenset({"IR-07"})), user_name="resting"
    )
    await operators_repository.save_state(resting.id, OperatorState.SUSPENDED)
    helper = await staff.new_operator(
        Role.SUPPORT, scope=Scope(province_codes=frozenset({"IR-07"})), user_name="helper"
    )
    helping = await staff.viewer_of(helper)
    await break_glass.break_glass(viewer=helping, role=Role.REGISTRAR, reason=WHY, hours=1)
    await break_glass.end_break_glass(viewer=await staff.viewer_of(helper))
    await _invited("invited.one")
    begun = await _invited("invited.two", begin=True)
    frozen, moving = await _member(FROZEN, "77000011"), await _member(MOVING, "77000012")
    await db.execute("UPDATE member SET state = 'FROZEN' WHERE id = $1", frozen)
    asked = await phone_change.ask_phone_change(
        viewer=await viewer_of(world.askers[Role.REGISTRAR]),
        member_id=moving,
        phone="09121234588",
        reason=WHY,
    )
    await _closed_approval(world)
    origin.bind(Origin(staff.ADDRESS, uuid.UUID(int=1)))
    await audit.record(
        viewer=SYSTEM,
        action="test.everything",
        object_type="Member",
        object_id=str(scene.member_id),
        member_id=scene.member_id,
        before={"state": "FROZEN"},
        after={"state": "ACTIVE"},
        reason=WHY,
        on_behalf_of="operator:1",
        province_code="IR-07",
        association_id=units[ASSOCIATION],
    )
    keeper = await viewer_of(world.askers[Role.STORE_MANAGER])
    code = await store_staff.give_device_code(
        viewer=keeper, store_id=scene.stores["hafez"], name="صندوق ۲"
    )
    revoked = await store_staff.give_device_code(
        viewer=keeper, store_id=scene.stores["hafez"], name="صندوق ۳"
    )
    await till_repository.revoke_device(revoked.device.id, at=clock.now())
    given |= {
        "version": await _version("hafez"),
        "closed_version": await _version("closed"),
        "store": places.store_id(scene.stores["hafez"]),
        "closed_store": places.store_id(scene.stores["closed"]),
        "category": places.category_id("grocery"),
        "member": GlobalId("Member", scene.member_id).encode(),
        "frozen": GlobalId("Member", frozen).encode(),
        "moving": GlobalId("Member", moving).encode(),
        "purchase": scene.own_id("Purchase", scene.purchases["running"]),
        "instalment": scene.own_id("Instalment", scene.instalments[0]),
        "application": scene.own_id("LoanApplication", scene.applications["repaying"]),
        "notice": scene.own_id("Notice", scene.notices["loan"]),
        "round": GlobalId("LoanRound", scene.rounds["past"]).encode(),
        "approval": GlobalId("Approval", asked.id).encode(),
        "digest": asked.digest,
        "target": GlobalId("Operator", target.id).encode(),
        "resting": GlobalId("Operator", resting.id).encode(),
        "password": PASSWORD,
        "target_totp": target.code(),
        "device_code": code.code,
        "invitation": "ABCD-EFGH-JKMN",
        "begun_totp": begun,
        "national_code": member_scene.NATIONAL_CODE,
        "phone": member_scene.PHONE,
        "iban": IBAN,
        "reason": WHY,
    }
    world.secrets = [
        LAST_NAME,
        FROZEN,
        MOVING,
        "10000001",
        member_scene.PHONE,
        IBAN,
        IBAN[-4:] + '"',
        "پلاک ۷",
        asked.digest,
        "صندوق",
        "helper",
        "target",
    ]


async def _version(code: str) -> int:
    row = await db.fetch_one("SELECT version FROM store WHERE code = $1", code)
    assert row is not None
    return int(row["version"])


async def _member(last_name: str, pension_number: str) -> int:
    return await operators.member(
        "علی", last_name, pension_number=pension_number, phone=PHONE, association_code=CODE
    )


async def _invited(user_name: str, *, begin: bool = False) -> str:
    """An account that waits for its owner; where it is begun, the one-time password that would confirm it."""
    colleague = await staff.new_operator(Role.OBSERVER, user_name=user_name)
    await operators_repository.save_state(colleague.id, OperatorState.INVITED)
    await operators_repository.save_invitation(
        colleague.id,
        digest=enrolment.digest("ABCD-EFGH-JKMN"),
        expires_at=NOON + timedelta(hours=1),
    )
    return colleague.code() if begin else ""


async def _closed_approval(world: World) -> None:
    """One that was granted and then refused: it has all that an approval can have."""
    member_id = await _member("بسته", "77000013")
    maker = await viewer_of(world.askers[f"{Role.SUPPORT} of {INSIDE}"])
    asked = await approvals.ask(
        viewer=maker,
        kind=freezing.KIND,
        object_type="Member",
        object_id=str(member_id),
        member_id=member_id,
        payload={},
        before={"state": "FROZEN"},
        after={"state": "ACTIVE"},
        money_effect_rials=-1,
        reason=WHY,
        approve_permission=Permission.MEMBERS_FREEZE_LIFT_APPROVE,
        fingerprint="none",
        province_code="IR-07",
        association_id=None,
        expires_in=timedelta(days=1),
        not_before=NOON + timedelta(days=2),
    )
    approver = await viewer_of(world.askers[Role.SUPPORT])
    await approvals.grant(viewer=approver, approval_id=asked.id)
    await approvals.refuse(viewer=approver, approval_id=asked.id, reason=WHY)
