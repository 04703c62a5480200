"""Compiled operations answer what graphql-core answers: random documents over the whole schema, on real data.

`EQUAL_ANSWERS=100000 pytest tests/integration/test_equal_answers.py` compares as many as wanted.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import orjson
import pytest

from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, Viewer
from backend.deductions import service as deductions
from backend.notifications import service as notifications
from backend.purchases import service as purchases
from backend.purchases.domain import PurchaseFilter
from schema import root
from schema.context import Context
from schema.execution import compilation
from schema.execution.compilation import Compilation
from schema.execution.documents import Document, Reader, Refused
from schema.execution.executor import Executor
from schema.execution.policy import Limits
from schema.loaders import Loaders
from tests.support import member_scene
from tests.support.member_scene import Scene
from tests.support.random_documents import Generator, RandomDocument

DOCUMENTS = int(os.environ.get("EQUAL_ANSWERS", "2000"))
# A valid document may be refused for its cost or depth; enough of them must have been answered by compiled code.
LEAST_COMPILED_SHARE = 0.5
LIMITS = Limits(cost=10**9, depth=50, aliases=1_000, root_fields=50, directives=1_000)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, in which language."""

    name: str
    viewer: Viewer
    locale: Locale

    def context(self) -> Context:
        """A new request's context."""
        now = clock.now()
        return Context(
            viewer=self.viewer,
            locale=self.locale,
            now=now,
            loaders=Loaders(viewer=self.viewer, now=now),
            session_id=member_scene.SESSION,
        )


@pytest.fixture
async def scene(db: None, cache: None) -> AsyncIterator[Scene]:
    """A member with everything, another with little, and stores in memory."""
    del db, cache
    with clock.frozen(member_scene.NOON):
        made = await member_scene.set_up()
        await member_scene.add_devices_and_favourites(made)
        yield made


async def test_random_documents_have_equal_answers(scene: Scene) -> None:
    schema = root.build()
    core = schema._schema
    reader = Reader(core, LIMITS, compilation=Compilation(schema))
    executor = Executor(core, LIMITS)
    askers = everyone(scene)
    values = {**good_values(scene), **await cursors(scene)}
    seen: Counter[str] = Counter()
    reasons: Counter[str] = Counter()

    for seed in range(DOCUMENTS):
        random = Random(seed)
        made = Generator(core, random, values).document()
        document = valid(reader, made)
        if document is None:
            seen["invalid"] += 1
            continue
        asker = random.choice(askers)
        expected = await executor.reference(
            document, document.operation(None), made.variables, asker.context()
        )
        operation = document.operation(None)
        assert operation.compiled is not None, made.text
        context = asker.context()
        found = await compilation.answer(
            operation.compiled, compilation.ask_of(context), made.variables
        )
        if found is None:
            seen["left to graphql-core"] += 1
            reasons.update(operation.compiled.fallbacks)
            continue
        seen["compiled"] += 1
        assert same(found, expected.body), (seed, asker.name, made, found, expected.body)

    answered = seen["compiled"] + seen["left to graphql-core"]
    assert seen["compiled"] >= LEAST_COMPILED_SHARE * answered, (seen, reasons)


def everyone(scene: Scene) -> list[Asker]:
    """Every kind of asker; the member who has most asks most."""
    return [
        Asker("nobody", ANONYMOUS, Locale.FA),
        *([Asker("the member", scene.viewer, Locale.FA)] * 4),
        *([Asker("the member", scene.viewer, Locale.EN)] * 2),
        Asker("the other member", scene.other, Locale.FA),
    ]


async def cursors(scene: Scene) -> Mapping[str, Sequence[object]]:
    """Cursors of the lists without conditions; with others, a document is refused."""
    bought = await purchases.list_purchases(
        viewer=scene.viewer, matching=PurchaseFilter(), first=4, after=None
    )
    told = await notifications.list_notices(viewer=scene.viewer, first=4, after=None)
    due = await deductions.list_instalments(
        viewer=scene.viewer, from_month=None, to_month=None, state=None, first=4, after=None
    )
    return {
        "purchases.after": [None, *bought.cursors],
        "notices.after": [None, *told.cursors],
        "instalments.after": [None, *due.cursors],
        "purchases.filter": [None],
        "notices.category": [None, "LOAN"],
        "instalments.state": [None, "PLANNED"],
    }


def valid(reader: Reader, made: RandomDocument) -> Document | None:
    """The document ready to run; None where it breaks a rule of validation."""
    try:
        document = reader.read(made.text)
        document.operation(None)
    except Refused:
        return None
    return document


def same(found: bytes, expected: bytes) -> bool:
    """Whether two answers are equal, the order of their keys included."""
    return found == expected or ordered(orjson.loads(found)) == ordered(orjson.loads(expected))


def ordered(value: object) -> object:
    """A value in which the order of keys counts."""
    if isinstance(value, Mapping):
        return [(key, ordered(each)) for key, each in value.items()]
    if isinstance(value, list):
        return [ordered(each) for each in value]
    return value


def good_values(scene: Scene) -> Mapping[str, Sequence[object]]:
    """Values that lead somewhere, by the names of arguments and inputs."""
    purchases = [scene.own_id("Purchase", key) for key in scene.purchases.values()]
    others = [scene.disguised_id("Purchase", key) for key in scene.purchases.values()]
    stores = [GlobalId("Store", key).encode() for key in scene.stores.values()]
    rounds = [GlobalId("LoanRound", key).encode() for key in scene.rounds.values()]
    mine = [
        *(scene.own_id("Instalment", key) for key in scene.instalments),
        *(scene.own_id("Notice", key) for key in scene.notices.values()),
        *(scene.own_id("LoanApplication", key) for key in scene.applications.values()),
        GlobalId("Member", scene.member_id).encode(),
    ]
    shiraz = member_scene.SHIRAZ
    return {
        "node.id": [*mine, *purchases, *others, *stores, *rounds],
        "purchase.id": [*purchases, *others],
        "store.id": stores,
        "loanRound.id": rounds,
        "storeId": stores,
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
