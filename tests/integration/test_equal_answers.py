"""Compiled operations answer what graphql-core answers: random documents over the whole schema, on real data.

`EQUAL_ANSWERS=100000 pytest tests/integration/test_equal_answers.py` compares as many as wanted.
"""

import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import orjson
import pytest

from backend.core import clock
from backend.core.errors import DomainError, Unavailable
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, Viewer
from backend.deductions import service as deductions
from backend.infra import db as database
from backend.notifications import service as notifications
from backend.purchases import service as purchases
from backend.purchases.domain import PurchaseFilter
from backend.stores import directory, nearby
from backend.stores.directory import Directory
from backend.stores.domain import StoreFilter
from schema import root, stores
from schema.context import Context
from schema.execution import compilation
from schema.execution.bindings import BINDINGS
from schema.execution.compilation import Compilation
from schema.execution.documents import Document, Reader, Refused
from schema.execution.executor import Executor
from schema.execution.plan import Ask, Binding, MakeWriter, Part, Selected, Tier
from schema.execution.policy import Limits
from schema.loaders import Loaders
from tests.support import directories, member_scene
from tests.support.member_scene import Scene
from tests.support.random_documents import Generator, RandomDocument

DOCUMENTS = int(os.environ.get("EQUAL_ANSWERS", "2000"))
# The console's fields are refused to members, so few documents ask for them.
APP_ROOTS = frozenset(
    {"changes", "loanRound", "loanRounds", "me", "nearbyStores", "node", "provinces", "purchase"}
    | {"store", "storeCategories", "storeClusters", "stores", "viewer"}
)
# A valid document may be refused for its cost or depth; enough of them must have been answered by compiled code.
LEAST_COMPILED_SHARE = 0.6
# Of all documents, so many must have been answered with this field by the way that its binding gives it.
LEAST_BY_BINDING: Mapping[str, float] = {
    "me": 1 / 100,
    "nearbyStores": 1 / 100,
    "loanRounds": 1 / 200,
    "me.purchases": 1 / 500,
    "me.purchasesAwaitingMe": 1 / 500,
    "me.notices": 1 / 500,
    "me.unreadNoticeCount": 1 / 500,
    "me.instalments": 1 / 500,
    "me.nextInstalment": 1 / 500,
    "me.credit": 1 / 500,
}
# Why a document may be left to graphql-core, besides the refusals of the services.
REASONS = re.compile(
    r"null in .*|no plain .*|no object of this input|no file|a member's credit|two members in one request"
    r"|an input of which one field is given|null for .* that is required|a missing .*"
    r"|a value that its scalar or enum refuses|a directive's variable without a value"
)
# However busy the machine is, nothing that is compared ends at a limit of time.
PATIENCE_SECONDS = 120
LIMITS = Limits(
    cost=10**9, depth=50, aliases=1_000, root_fields=50, directives=1_000, seconds=PATIENCE_SECONDS
)


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
async def scene(
    db: None, cache: None, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """A member with everything, another with little, and stores in memory that do not grow old."""
    del db, cache
    await database.close()
    monkeypatch.setattr(database, "ACQUIRE_SECONDS", PATIENCE_SECONDS)
    await database.connect(database_url, statement_timeout_ms=PATIENCE_SECONDS * 1_000)
    monkeypatch.setattr(directory, "FRESH_SECONDS", 3_600 * 24)
    monkeypatch.setattr(directory, "_this_process", Directory())
    with clock.frozen(member_scene.NOON):
        made = await member_scene.set_up()
        await member_scene.add_devices_and_favourites(made)
        async with directories.kept(database_url, directory.current()):
            yield made


# graphql-core leaves alone the siblings of a field that fails while it starts them: 34 times in 100,000 documents.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <coroutine object GraphQLCoreConverter:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.timeout(max(900, DOCUMENTS // 5))
async def test_random_documents_have_equal_answers(scene: Scene) -> None:
    schema = root.build()
    core = schema._schema
    begun: Counter[str] = Counter()
    reader = Reader(core, LIMITS, compilation=Compilation(schema, counting(begun)))
    executor = Executor(core, LIMITS)
    askers = everyone(scene)
    values = {**good_values(scene), **await cursors(scene)}
    seen: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    by_binding: Counter[str] = Counter()

    for seed in range(DOCUMENTS):
        random = Random(seed)
        made = Generator(core, random, values, APP_ROOTS).document()
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
        begun.clear()
        found = await compilation.answer(
            operation.compiled, compilation.ask_of(context), made.variables
        )
        if found is None:
            seen["left to graphql-core"] += 1
            reasons.update(operation.compiled.fallbacks)
            continue
        seen["compiled"] += 1
        by_binding.update(begun)
        assert same(found, expected.body), (seed, asker.name, made, *apart(found, expected.body))
        again = await executor.run(document, operation, made.variables, asker.context())
        assert (again.was_executed, again.code) == (True, expected.code), (seed, made)
        assert again.tier < Tier.GRAPHQL_CORE, (seed, made)
        assert same(again.body, expected.body), (
            seed,
            asker.name,
            *apart(again.body, expected.body),
        )

    answered = seen["compiled"] + seen["left to graphql-core"]
    assert seen["compiled"] >= LEAST_COMPILED_SHARE * answered, (seen, reasons)
    assert {each for each in reasons if not may_be_left(each)} == set()
    rare = {
        each: by_binding[each]
        for each, share in LEAST_BY_BINDING.items()
        if by_binding[each] < int(share * DOCUMENTS)
    }
    assert rare == {}, by_binding


def counting(begun: Counter[str]) -> Mapping[tuple[str, str], Binding]:
    """The bindings, which count what they begin to answer: `me`, and each field that SQL writes of it."""

    def counted(binding: Binding) -> Binding:
        def bind(selected: Selected, make_writer: MakeWriter, path: str) -> Part | None:
            part = binding(selected, make_writer, path)
            if part is None:
                return None
            start = part.start
            by_sql = {note.path for note in part.notes if note.tier is Tier.READ_VIEW}
            names = [selected.name]
            names += [
                f"{selected.name}.{each.name}"
                for each in selected.only()
                if f"{path}.{each.key}" in by_sql
            ]

            def count_and_start(ask: Ask) -> object | Awaitable[object]:
                begun.update(names)
                return start(ask)

            return replace(part, start=count_and_start)

        return bind

    return {name: counted(binding) for name, binding in BINDINGS.items()}


def may_be_left(reason: str) -> bool:
    """Whether a document may be left to graphql-core for this reason."""
    return REASONS.fullmatch(reason) is not None or reason in refusals(DomainError)


def refusals(kind: type[DomainError]) -> set[str]:
    """The names of all errors that services refuse with."""
    below = (refusals(each) for each in kind.__subclasses__() if each is not Unavailable)
    return {kind.__name__}.union(*below)


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


def valid(reader: Reader, made: RandomDocument) -> Document | None:
    """The document ready to run; None where it breaks a rule of validation."""
    try:
        document = reader.read(made.text)
        document.operation(None)
    except Refused:
        return None
    return document


def same(found: bytes, expected: bytes) -> bool:
    """Whether two answers are equal, the order of their keys included; what is no JSON equals nothing."""
    if found == expected:
        return True
    try:
        return ordered(orjson.loads(found)) == ordered(orjson.loads(expected))
    except orjson.JSONDecodeError:
        return False


def apart(found: bytes, expected: bytes) -> tuple[bytes, bytes]:
    """Where two answers begin to differ: what stands there in each."""
    pairs = enumerate(zip(found, expected, strict=False))
    at = next((place for place, (one, other) in pairs if one != other), 0)
    return found[max(0, at - 80) : at + 80], expected[max(0, at - 80) : at + 80]


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
