"""Who asks random documents, what each of them usually asks for, and values that lead somewhere there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from strawberry import Schema

from backend.access import service as access
from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.permissions import Role
from backend.core.viewer import ANONYMOUS, Viewer
from backend.deductions import service as deductions
from backend.notifications import service as notifications
from backend.purchases import service as purchases
from backend.purchases.domain import PurchaseFilter
from backend.stores import nearby
from backend.stores.domain import StoreFilter
from schema import stores
from schema.context import Context
from schema.loaders import Loaders
from tests.support import member_scene, role_askers, role_objects, role_table
from tests.support.member_scene import Scene
from tests.support.role_askers import ASSOCIATION, CASHIER, INSIDE, MEMBER, OTHER, OUTSIDE
from tests.support.role_world import World

Values = Mapping[str, Sequence[object]]

STAFF = (
    Role.ADMINISTRATOR,
    f"{Role.SUPPORT} of {INSIDE}",
    f"{Role.SUPPORT} of {OUTSIDE}",
    f"{Role.STORE_MANAGER} of {INSIDE}",
    Role.AUDITOR,
    f"{Role.REGISTRAR} of {ASSOCIATION}",
    CASHIER,
)
# Asked for by everybody, and by members most of the time.
_APP = frozenset({"changes", "loanRound", "loanRounds", "nearbyStores", "node", "provinces"})
_APP |= {"store", "storeCategories", "storeClusters", "stores", "viewer"}
_OF_MEMBERS = _APP | {"me", "purchase"}
# Lists with cursors, and who sees most of each.
_LISTS = {
    "operators": Role.AUDITOR,
    "approvals": Role.AUDITOR,
    "auditTrail": Role.AUDITOR,
    "breakGlassUses": Role.AUDITOR,
    "storeRecords": Role.STORE_MANAGER,
}
_ANSWERED = {"SHOWN", "EMPTY"}


@dataclass(frozen=True, slots=True)
class EqualAsker:
    """Who asks, in which language; most documents ask for the `usual_roots` alone."""

    name: str
    viewer: Viewer
    locale: Locale
    usual_roots: frozenset[str] = _OF_MEMBERS
    session_id: UUID | None = None

    def context(self) -> Context:
        """A new request's context."""
        now = clock.now()
        return Context(
            viewer=self.viewer,
            locale=self.locale,
            now=now,
            loaders=Loaders(viewer=self.viewer, now=now),
            session_id=self.session_id,
        )


async def everyone(world: World) -> list[EqualAsker]:
    """Every kind of asker; the member who has most asks most, mostly of what is the member's own, then the staff."""
    one, other = await asker(world, MEMBER), await asker(world, OTHER)
    in_english = await asker(world, MEMBER, Locale.EN)
    of_own = replace(one, usual_roots=frozenset({"me", "purchase"}))
    staff = [await asker(world, name, locale) for name in STAFF for locale in Locale]
    nobody = EqualAsker(role_askers.ANONYMOUS, ANONYMOUS, Locale.FA)
    return [*([nobody, other] * 4), *([of_own, one, in_english] * 10), *staff]


async def asker(world: World, name: str, locale: Locale = Locale.FA) -> EqualAsker:
    """Somebody of the world of roles, as the token says who it is."""
    found = world.askers[name]
    if found.access_token is None:
        return EqualAsker(name, ANONYMOUS, locale)
    identity = await access.identity_of_token(found.access_token)
    if name in {MEMBER, OTHER}:
        return EqualAsker(name, identity.viewer, locale, session_id=identity.session_id)
    return EqualAsker(name, identity.viewer, locale, _roots_of(name), identity.session_id)


def _roots_of(name: str) -> frozenset[str]:
    """The root fields that are answered to one of the staff, those of the app left out."""
    role = name.partition(" ")[0]
    found = set()
    for query in role_table.rows("Query"):
        expected = role_table.expected("Query", query)
        if expected.get(name, expected[role]) in _ANSWERED:
            found.add(query.partition(":")[0])
    return frozenset(found - _APP | {"node"})


def good_values(world: World) -> Values:
    """Values that lead somewhere, by the names of arguments and inputs."""
    scene, given = world.scene, world.given
    stores_there = [GlobalId("Store", key).encode() for key in scene.stores.values()]
    rounds = [GlobalId("LoanRound", key).encode() for key in scene.rounds.values()]
    bought = [scene.own_id("Purchase", key) for key in scene.purchases.values()]
    others = [scene.disguised_id("Purchase", key) for key in scene.purchases.values()]
    operators = [given["target"], given["resting"]]
    members = [given["member"], given["frozen"], given["moving"]]
    mine = [
        *(scene.own_id("Instalment", key) for key in scene.instalments),
        *(scene.own_id("Notice", key) for key in scene.notices.values()),
        *(scene.own_id("LoanApplication", key) for key in scene.applications.values()),
        GlobalId("Member", scene.member_id).encode(),
    ]
    of_staff = [*operators, given["approval"], *members] * 4
    shiraz = member_scene.SHIRAZ
    return {
        "node.id": [*mine, *bought, *others, *stores_there, *rounds, *of_staff],
        "purchase.id": [*bought, *others],
        "store.id": stores_there,
        "storeRecord.id": stores_there,
        "storeSettlement.id": stores_there,
        "loanRound.id": rounds,
        "operator.id": operators,
        "member.id": members,
        "member.purpose": [role_objects.WHY, "پاسخ به تماس عضو"],
        "members.search": [role_objects.LAST_NAME, role_objects.FROZEN, "10000001", "نیست"],
        "operators.search": [None, "target", "colleague"],
        "operators.role": [None, "OBSERVER", "SUPPORT"],
        "approvals.state": [None, "WAITING", "REFUSED"],
        "approvals.kind": [None, "members.phone_change", "members.freeze_lift"],
        "storeRecords.search": [None, "hafez", "حافظ"],
        "storeRecords.state": [None, "ACTIVE", "SUSPENDED"],
        "AuditTrailFilter": [
            {},
            {"action": "test.everything"},
            {"memberId": given["member"]},
            {"actor": "system", "since": "2026-11-01T00:00:00Z"},
            {"objectType": "Member", "objectId": str(scene.member_id)},
        ],
        "storeId": stores_there,
        "after": [None],
        "first": [1, 2, 3, 5, 20, 100],
        "radiusMeters": [1, 500, 5_000, 100_000],
        "zoom": [0, 8, 14, 22],
        "search": ["حافظ", "پوشاک", "شیراز"],
        "provinceCode": ["IR-07", "IR-23"],
        "from": ["1405-01", "1405-07"],
        "to": ["1405-09", "1406-03"],
        "GeoPointInput": [
            {"latitude": shiraz.latitude, "longitude": shiraz.longitude},
            {"latitude": 35.7, "longitude": 51.4},
        ],
        "GeoBoundsInput": [{"south": 25.0, "west": 44.0, "north": 40.0, "east": 63.0}],
    }


async def cursors(world: World, schema: Schema) -> Values:
    """Cursors of the lists without conditions; with others, a document is refused."""
    return {**await _of_member(world.scene), **await _of_staff(world, schema)}


async def _of_staff(world: World, schema: Schema) -> Values:
    """Cursors of the staff's lists, as those see them who see most."""
    page = "(first: 3) { edges { cursor } }"
    found = {}
    for name, role in _LISTS.items():
        viewer = await asker(world, role)
        result = await schema.execute(f"{{ {name}{page} }}", context_value=viewer.context())
        assert result.data is not None, result.errors
        edges = result.data[name]["edges"]
        found[f"{name}.after"] = [None, None, *(each["cursor"] for each in edges)]
    return found


async def _of_member(scene: Scene) -> Values:
    bought = await purchases.list_purchases(
        viewer=scene.viewer, matching=PurchaseFilter(), first=4, after=None
    )
    told = await notifications.list_notices(viewer=scene.viewer, first=4, after=None)
    due = await deductions.list_instalments(
        viewer=scene.viewer, from_month=None, to_month=None, state=None, first=4, after=None
    )
    near = await nearby.list_nearby(
        viewer=ANONYMOUS,
        at=member_scene.SHIRAZ,
        radius_meters=stores.DEFAULT_RADIUS_METERS,
        matching=StoreFilter(),
        first=4,
        after=None,
    )
    return {
        "nearbyStores.after": [None, *near.page.cursors],
        "purchases.after": [None, *bought.cursors],
        "notices.after": [None, *told.cursors],
        "instalments.after": [None, *due.cursors],
        "purchases.filter": [None],
        "notices.category": [None, "LOAN"],
        "instalments.state": [None, "PLANNED"],
    }
