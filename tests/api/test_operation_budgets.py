"""What each operation of the app may cost: SQL statements with a cold and a warm cache, and bytes of its answer."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from backend.core import clock
from backend.core.geo import GeoPoint
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.infra.sms import port as sms
from tests.support import api as support
from tests.support import debts, member_scene, places, signing_in
from tests.support.api import Api
from tests.support.member_scene import NOON, SHIRAZ, Scene
from tests.support.places import draft
from tests.support.signing_in import DEVICE_ID, MARYAM

Variables = Mapping[str, object]
AT: Variables = {"latitude": SHIRAZ.latitude, "longitude": SHIRAZ.longitude}
FARS: Variables = {"south": 29.5, "west": 52.5, "north": 29.9, "east": 52.7}
NAME = "فروشگاه زنجیره‌ای رفاه گسترش پایدار شعبهٔ مرکزی"
ADDRESS = "خیابان ولی‌عصر، نرسیده به چهارراه طالقانی، پلاک ۱۲۳۴، طبقهٔ همکف"
SENTENCE = "قسط این ماه خرید شما از حقوق کسر نشد؛ ماه آینده با قسط بعدی کسر می‌شود. "


@dataclass(frozen=True)
class Budget:
    """The most statements, cold and warm, and the most bytes of one question to an operation."""

    name: str
    cold: int
    warm: int
    size: int
    variables: Callable[[Scene], Variables] = lambda _: {}

    def __str__(self) -> str:
        return self.name


def given(**variables: object) -> Callable[[Scene], Variables]:
    return lambda _: variables


# Each of these is asked twice; a mutation among them changes the second time nothing.
BUDGETS = [
    Budget("Home", 6, 6, 8_000, given(at=AT)),
    Budget("Home", 6, 6, 8_000),
    Budget("PurchaseHistory", 1, 1, 10_000, given(first=20)),
    Budget("PurchaseHistory", 1, 1, 45_000, given(first=100)),
    Budget(
        "PurchaseDetails",
        2,
        2,
        6_000,
        lambda scene: {"id": scene.own_id("Purchase", scene.purchases["running"])},
    ),
    Budget("Instalments", 3, 3, 25_000, given(**{"from": "1405-09", "first": 50})),
    # After the end of the loan.
    Budget("Instalments", 2, 2, 25_000, given(**{"from": "1405-10", "first": 50})),
    Budget("Inbox", 2, 2, 16_000, given(first=20)),
    Budget("LoanRounds", 3, 3, 4_000),
    Budget("MyLoans", 2, 2, 6_000),
    Budget("MyProfile", 6, 5, 4_000),
    Budget("ClubCode", 1, 1, 250),
    Budget("AwaitingPurchases", 3, 3, 800),
    Budget("FavouriteStores", 3, 1, 900, given(first=20)),
    Budget("AccessLog", 1, 1, 800, given(first=20)),
    Budget("Sessions", 1, 1, 600),
    Budget(
        "SessionRevoke",
        4,
        4,
        200,
        lambda scene: {"input": {"sessionId": scene.own_id("Session", 2)}},
    ),
    Budget("NearbyStores", 2, 1, 16_000, given(at=AT, radiusMeters=100_000, first=20)),
    Budget("NearbyStores", 3, 2, 16_000, given(radiusMeters=100_000, first=20)),
    Budget("StoreSearch", 2, 1, 16_000, given(search="فروشگاه", first=20)),
    Budget("StoreSearch", 2, 1, 16_000, given(first=20)),
    Budget(
        "StoreDetails",
        4,
        2,
        2_500,
        lambda scene: {"id": places.store_id(scene.stores["hafez"])},
    ),
    Budget("StoreClusters", 3, 2, 16_000, given(bounds=FARS, zoom=18)),
    Budget(
        "NoticesMarkRead",
        3,
        3,
        200,
        lambda scene: {"input": {"ids": [scene.own_id("Notice", scene.notices["purchase"])]}},
    ),
    Budget(
        "StoreFavouriteSet",
        5,
        3,
        300,
        lambda scene: {
            "input": {"storeId": places.store_id(scene.stores["hafez"]), "favourite": True}
        },
    ),
    Budget("MemberPreferencesUpdate", 1, 1, 1_000, given(input={"textSize": "LARGE"})),
]
# In the order in which an app that is new on a phone sends them.
SIGNING_IN = [
    Budget("SignInCodeRequest", 1, 1, 600),
    Budget("SignInCodeConfirm", 10, 9, 1_000),
    Budget("DeviceRegister", 3, 3, 400),
    Budget("SessionRefresh", 2, 2, 900),
    Budget("SessionEnd", 2, 2, 200),
]


def test_every_operation_of_the_app_has_a_budget() -> None:
    operations = {path.stem for path in support.OPERATIONS.glob("*.graphql")}

    assert {budget.name for budget in (*BUDGETS, *SIGNING_IN)} == operations


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The scene with a hundred purchases and notices and thirty stores more, all with long names, at noon."""
    del api
    with clock.frozen(NOON):
        scene = await member_scene.set_up()
        await member_scene.add_devices_and_favourites(scene)
        keys = await places.save(
            *(
                draft(
                    f"b{n}",
                    name=f"{NAME} {n}",
                    address=ADDRESS,
                    at=GeoPoint(SHIRAZ.latitude + n / 100, SHIRAZ.longitude),
                )
                for n in range(30)
            )
        )
        for _ in range(100):
            await debts.purchase(scene.member_id, keys["b0"])
        await database.execute(
            """
            INSERT INTO notice (created_at, member_id, category, title, body, deep_link)
            SELECT $2::timestamptz - n * interval '1 minute', $1, 'INSTALMENT', 'قسط آبان کسر نشد', $3,
                   '/instalments'
              FROM generate_series(1, 100) n
            """,
            scene.member_id,
            NOON - timedelta(days=1),
            SENTENCE * 3,
        )
        yield scene


async def ask(api: Api, name: str, variables: Variables, **headers: str) -> httpx.Response:
    """A faultless answer."""
    answer = await api.ask(support.operation(name), variables, **headers)
    content = answer.json()
    assert "errors" not in content, content
    for found in content["data"].values():
        assert not isinstance(found, dict) or "code" not in found, found
    return answer


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
async def test_an_operation_stays_in_its_budget(api: Api, scene: Scene, budget: Budget) -> None:
    variables = budget.variables(scene)
    await shared_cache.client().flushall()

    with database.count_statements() as cold:
        answer = await ask(api, budget.name, variables, **scene.headers)
    with database.count_statements() as warm:
        again = await ask(api, budget.name, variables, **scene.headers)

    assert cold.count <= budget.cold, cold.statements
    assert warm.count <= budget.warm, warm.statements
    for each in (answer, again):
        check_size(budget, len(each.content))


@pytest.fixture
async def data_dir(api: Api, database_url: str, tmp_path: Path) -> AsyncIterator[Path]:
    """A member who is not signed in, and where the text messages go."""
    del api
    await signing_in.set_up(database_url, tmp_path)
    yield tmp_path
    await sms.close()


async def test_signing_in_and_out_stays_in_its_budgets(api: Api, data_dir: Path) -> None:
    await shared_cache.client().flushall()
    cold = await sign_in_and_out(api, data_dir, device_id=DEVICE_ID)
    warm = await sign_in_and_out(api, data_dir, device_id="device-2")

    for budget in SIGNING_IN:
        for taken, most in ((cold[budget.name], budget.cold), (warm[budget.name], budget.warm)):
            assert len(taken.statements) <= most, taken.statements
            check_size(budget, taken.size)


def check_size(budget: Budget, size: int) -> None:
    """In the budget, and near it: an answer that is all but empty, or too wide a budget, would prove nothing."""
    assert budget.size / 4 <= size <= budget.size, size


@dataclass(frozen=True)
class Taken:
    """What one question took."""

    statements: list[str]
    size: int


async def sign_in_and_out(api: Api, data_dir: Path, *, device_id: str) -> dict[str, Taken]:
    """What each operation of a session's life took."""
    taken: dict[str, Taken] = {}

    async def send(name: str, variables: Variables, token: object = None) -> dict[str, object]:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        with database.count_statements() as counted:
            answer = await ask(api, name, variables, **headers)
        taken[name] = Taken(counted.statements, len(answer.content))
        [found] = answer.json()["data"].values()
        assert isinstance(found, dict)
        return found

    sent = await send("SignInCodeRequest", signing_in.asking(MARYAM, device_id=device_id))
    await signing_in.run_jobs()
    code = signing_in.code_in(signing_in.messages(data_dir)[-1]["text"])
    confirmed = {"requestId": sent["requestId"], "code": code, "deviceId": device_id}
    session = await send("SignInCodeConfirm", {"input": confirmed})
    device = {"platform": "ANDROID", "pushProvider": "NONE", "appVersion": "1.0.0", "locale": "FA"}
    registered = {"input": {"deviceId": device_id, **device}}
    await send("DeviceRegister", registered, session["accessToken"])
    refreshed = {"refreshToken": session["refreshToken"], "deviceId": device_id}
    session = await send("SessionRefresh", {"input": refreshed})
    await send("SessionEnd", {"input": None}, session["accessToken"])
    return taken
