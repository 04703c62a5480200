"""What the app's operations may cost: SQL statements, bytes of answer; and life without a healthy cache."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from backend.core import clock, viewer
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.infra import sealing
from backend.infra.embedded import programs
from backend.settings import Settings
from backend.stores import seeding
from tests.support import api as support
from tests.support import places
from tests.support import servers as test_servers
from tests.support.api import Api
from tests.support.servers import TestPostgres, TestValkey

NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
CENTRE: Mapping[str, object] = {"latitude": 35.6892, "longitude": 51.389}
LEAN: Mapping[str, object] = {"openNow": True, "hasOffers": False, "provinceCode": "IR-23"}
QUESTIONS: list[tuple[str, Mapping[str, object]]] = [
    ("NearbyStores", {"at": CENTRE, "first": 20, "radiusMeters": 100_000}),
    ("NearbyStores", {"at": CENTRE, "first": 20, "radiusMeters": 100_000, "filter": LEAN}),
    ("StoreSearch", {"search": "فروشگاه", "first": 20}),
    ("StoreSearch", {"search": "فروشگاه", "first": 20, "filter": LEAN}),
    ("StoreSearch", {"first": 20}),
    (
        "StoreClusters",
        {"bounds": {"south": 35.5, "west": 51, "north": 36, "east": 51.8}, "zoom": 11},
    ),
]


@pytest.fixture(scope="module")
def seeded_url(postgres: TestPostgres, migrated_template: str) -> Iterator[str]:
    """A database with 400 places of the seed, for reading."""
    name = postgres.create("seeded", template=migrated_template)
    url = postgres.url(name)

    async def seed() -> None:
        await database.connect(url)
        sealing.configure(Settings().sealer())
        await seeding.seed_stores(
            viewer=viewer.SYSTEM,
            count=400,
            seed=1,
            today=date(2026, 11, 21),
            progress=lambda _: None,
        )
        await database.close()

    asyncio.run(seed())
    yield url
    postgres.drop(name)


@pytest.fixture
async def seeded(seeded_url: str) -> AsyncIterator[Api]:
    """The application over the seed, without a cache; at noon of a Saturday."""
    await database.connect(seeded_url)
    async with support.serving() as api:
        with clock.frozen(NOON):
            yield api
    await database.close()


async def ask(api: Api, name: str, variables: Mapping[str, object]) -> httpx.Response:
    """An operation's answer, with `distanceMeters` and all."""
    answer = await api.ask(support.operation(name), variables)
    assert answer.status_code == 200
    assert "errors" not in answer.json()
    return answer


@pytest.mark.parametrize(("name", "variables"), QUESTIONS)
async def test_a_list_takes_two_statements_with_a_cold_cache(
    seeded: Api, valkey: TestValkey, name: str, variables: Mapping[str, object]
) -> None:
    await shared_cache.connect(valkey.url, timeout_ms=10_000)
    await shared_cache.client().flushall()
    try:
        with database.count_statements() as cold:
            await ask(seeded, name, variables)
        with database.count_statements() as warm:
            await ask(seeded, name, variables)
    finally:
        await shared_cache.close()

    single_stores = 1 if name == "StoreClusters" else 0  # clusters of one are loaded together
    assert cold.count <= 2 + single_stores, cold.statements
    assert warm.count == 1 + single_stores, warm.statements


@pytest.mark.parametrize(("name", "variables"), QUESTIONS)
async def test_a_list_takes_few_statements_without_any_cache(
    seeded: Api, name: str, variables: Mapping[str, object]
) -> None:
    with database.count_statements() as counted:
        await ask(seeded, name, variables)

    assert counted.count <= 4, counted.statements


async def test_statements_of_loads_in_their_own_tasks_are_counted(
    seeded: Api, valkey: TestValkey
) -> None:
    await shared_cache.connect(valkey.url, timeout_ms=10_000)
    await shared_cache.client().flushall()
    try:
        with database.count_statements() as counted:
            await ask(seeded, "NearbyStores", {"at": CENTRE})
    finally:
        await shared_cache.close()

    assert sum("holiday_override" in each for each in counted.statements) == 1
    assert sum("FROM store s" in each for each in counted.statements) == 1


@pytest.mark.parametrize("search", [None, "فروشگاه"])
async def test_twenty_stores_fit_in_sixteen_kilobytes(seeded: Api, search: str | None) -> None:
    if search is None:
        answer = await ask(seeded, *QUESTIONS[0])
        found = answer.json()["data"]["nearbyStores"]["edges"]
    else:
        answer = await ask(seeded, "StoreSearch", {"search": search, "first": 20})
        found = answer.json()["data"]["stores"]["edges"]

    assert len(found) == 20
    assert len(answer.content) <= 16_000


async def test_details_take_few_statements(seeded: Api) -> None:
    page = await ask(seeded, *QUESTIONS[0])
    key = page.json()["data"]["nearbyStores"]["edges"][0]["node"]["id"]

    with database.count_statements() as counted:
        await ask(seeded, "StoreDetails", {"id": key})

    assert counted.count <= 4, counted.statements


class OwnValkey:
    """A server that one test may stop as it likes."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "valkey.sock"
        self.process = subprocess.Popen(
            [programs.locate().valkey, "--port", "0", "--unixsocket", self.socket, "--save", ""],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    async def ready(self) -> None:
        for _ in range(500):
            if self.socket.exists():
                return
            await asyncio.sleep(0.01)
        raise TimeoutError

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@pytest.fixture
async def own_valkey() -> AsyncIterator[OwnValkey]:
    with test_servers.short_folder() as folder:
        server = OwnValkey(folder)
        await server.ready()
        try:
            yield server
        finally:
            await shared_cache.close()
            server.end()


async def all_answers(api: Api) -> list[bytes]:
    return [(await ask(api, name, variables)).content for name, variables in QUESTIONS]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_the_answers_are_the_same_when_the_cache_dies_or_hangs(
    seeded: Api, own_valkey: OwnValkey, number: signal.Signals
) -> None:
    assert clock.now() == NOON
    without = await all_answers(seeded)
    await shared_cache.connect(own_valkey.url, timeout_ms=50)
    cold = await all_answers(seeded)
    warm = await all_answers(seeded)
    own_valkey.signal(number)

    began = time.monotonic()
    sick = await all_answers(seeded)
    took = time.monotonic() - began

    assert without == cold == warm == sick
    assert len({bytes(each) for each in without}) == len(QUESTIONS)
    # Each miss waits for a read and a lease at the most, until the breaker opens after five: half a second. The rest
    # is for a busy machine; without a time-out it would be no end.
    assert took < 30


async def test_a_cache_that_never_was_changes_nothing(seeded: Api, tmp_path: Path) -> None:
    without = await all_answers(seeded)
    await shared_cache.connect(f"unix://{tmp_path}/nobody.sock")
    try:
        assert await all_answers(seeded) == without
    finally:
        await shared_cache.close()


async def test_long_texts_of_persian_stay_in_the_budget(api: Api) -> None:
    name = "فروشگاه زنجیره‌ای رفاه گسترش پایدار شعبهٔ مرکزی"
    address = "خیابان ولی‌عصر، نرسیده به چهارراه طالقانی، پلاک ۱۲۳۴، طبقهٔ همکف"
    await places.save(
        *(places.draft(f"s{n}", name=f"{name} {n}", address=address) for n in range(20))
    )

    answer = await ask(api, "NearbyStores", {"at": CENTRE, "first": 20, "radiusMeters": 100_000})

    assert len(answer.json()["data"]["nearbyStores"]["edges"]) == 20
    assert len(answer.content) <= 16_000
