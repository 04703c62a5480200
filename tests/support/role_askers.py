"""Everybody who asks on the walk through all roles: members, operators of each role and scope, cashiers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backend.access import cashier_sign_in, staff_sessions, store_staff
from backend.access.staff_sessions import Place
from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.permissions import Role
from backend.core.viewer import ActorKind, Scope, Viewer
from backend.infra import db
from backend.infra.tokens import Bearer
from tests.support import access, staff
from tests.support.member_scene import NOON, Scene
from tests.support.staff import PASSWORD, Colleague

ANONYMOUS, MEMBER, OTHER = "anonymous", "member", "other member"
CASHIER, OTHER_CASHIER = "cashier", "cashier of another store"
# Where a scoped operator of a role looks from: whether that holds the member, and whether it holds the store.
INSIDE, OUTSIDE = "provinces", "other provinces"
ASSOCIATION, OTHER_ASSOCIATION = "association", "other association"
WHERE: Final = (INSIDE, OUTSIDE, ASSOCIATION, OTHER_ASSOCIATION)


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


async def made(scene: Scene, units: Mapping[str, int]) -> tuple[dict[str, Asker], dict[str, str]]:
    """All who ask, by name; and what stands for the cashier's things in a document."""
    scopes = {
        INSIDE: Scope(province_codes=frozenset({"IR-07", "IR-21"})),
        OUTSIDE: Scope(province_codes=frozenset({"IR-23", "IR-21"})),
        ASSOCIATION: Scope(association_id=units[ASSOCIATION]),
        OTHER_ASSOCIATION: Scope(association_id=units[OTHER_ASSOCIATION]),
    }
    askers: dict[str, Asker] = {}
    askers[ANONYMOUS] = Asker(ANONYMOUS)
    for name, member_id in ((MEMBER, scene.member_id), (OTHER, scene.other_id)):
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
    keeper = await viewer_of(askers[Role.STORE_MANAGER])
    askers[CASHIER], given = await _cashier(keeper, CASHIER, scene, "hafez")
    askers[OTHER_CASHIER], _ = await _cashier(keeper, OTHER_CASHIER, scene, "saadi")
    return askers, given


async def _operator(name: str, colleague: Colleague) -> Asker:
    async with db.transaction():
        issued = await staff_sessions.open_session(
            bearer=Bearer.OPERATOR,
            holder_id=colleague.id,
            place=Place(device_id="console", device_name="Firefox", address=None),
        )
    role = Role(name.partition(" ")[0])
    return Asker(name, issued.access_token, issued.refresh_token, colleague=colleague, role=role)


async def _cashier(
    keeper: Viewer, name: str, scene: Scene, store_code: str
) -> tuple[Asker, dict[str, str]]:
    """A cashier who has set the own password, signed in on a device of the store."""
    await db.execute("UPDATE store SET state = 'ACTIVE' WHERE code = $1", store_code)
    store_id = scene.stores[store_code]
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
    issued = signed_in.issued
    asker = Asker(name, issued.access_token, issued.refresh_token, device_id=enrolled.device_id)
    return asker, {
        "till": GlobalId("StoreDevice", enrolled.device.id).encode(),
        "till_secret": enrolled.device_id,
        "cashier": GlobalId("Cashier", new.cashier.id).encode(),
        "cashier_name": user_name,
    }


async def viewer_of(asker: Asker) -> Viewer:
    """The viewer behind an operator's token, who has just said again who it is."""
    assert asker.colleague is not None
    found = await staff.viewer_of(asker.colleague)
    assert found.kind is ActorKind.OPERATOR
    return found
