"""Runs a document compiled and by graphql-core, and sees that both answer the same and leave the same behind."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import orjson

from backend.infra import db as database
from schema import root
from schema.execution.bindings import BINDINGS
from schema.execution.compilation import Compilation
from schema.execution.documents import Document, Reader, Refused
from schema.execution.executor import Answer, Executor
from schema.execution.plan import Ask, Binding, MakeWriter, Part, Selected, Tier
from schema.execution.policy import Limits
from tests.support.equal_askers import EqualAsker

# However busy the machine is, nothing that is compared ends at a limit of time.
PATIENCE_SECONDS = 120
SCHEMA = root.build()
# What reads what another part of the same document may be recording.
TRAIL = re.compile(r"\b(auditTrail|trail)\b")
LIMITS = Limits(
    cost=10**9, depth=50, aliases=1_000, root_fields=50, directives=1_000, seconds=PATIENCE_SECONDS
)


@dataclass(slots=True)
class Comparison:
    """Runs documents both ways, and counts what became of them."""

    begun: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    by_asker: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    by_binding: Counter[str] = field(default_factory=Counter)
    executor: Executor = field(init=False)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        """Compile with the bindings counted."""
        self.executor = Executor(SCHEMA._schema, LIMITS)
        compilation = Compilation(SCHEMA, counting(self.begun))
        self.reader = Reader(SCHEMA._schema, LIMITS, compilation=compilation)

    def read(self, text: str) -> Document | None:
        """The document ready to run; None where it breaks a rule of validation."""
        try:
            document = self.reader.read(text)
            document.operation(None)
        except Refused:
            self.seen["invalid"] += 1
            return None
        return document

    async def compare(
        self, document: Document, text: str, variables: dict[str, object], asker: EqualAsker
    ) -> Answer:
        """What is answered both ways, seen to be the same, and to leave the same behind."""
        operation = document.operation(None)
        mark = await Recorded.now()
        async with settled():
            expected = await self.executor.reference(
                document, operation, variables, asker.context()
            )
        left = await Recorded.since(mark)
        mark = await Recorded.now()
        self.begun.clear()
        async with settled():
            found = await self.executor.run(document, operation, variables, asker.context())
        about = (asker.name, text, variables)
        assert await Recorded.since(mark) == left, about
        # Of what fails in several places graphql-core tells now this first and now that; the trail has the first run.
        if found.tier < Tier.GRAPHQL_CORE and not (left and TRAIL.search(text)):
            assert found.code == expected.code, about
            assert same(found.body, expected.body), (*about, *apart(found.body, expected.body))
        self._count(found, operation.compiled is not None, asker)
        if operation.compiled is not None:
            self.reasons.update(operation.compiled.fallbacks)
        return found

    def _count(self, found: Answer, is_compiled: bool, asker: EqualAsker) -> None:
        if not is_compiled:
            self.seen["not compiled"] += 1
        elif found.tier is Tier.GRAPHQL_CORE:
            self.seen["left to graphql-core"] += 1
        else:
            self.seen["compiled"] += 1
            self.by_asker[asker.name] += 1
            self.by_binding.update(self.begun)


@asynccontextmanager
async def settled() -> AsyncIterator[None]:
    """What the block began has ended: graphql-core does not wait for the siblings of what failed."""
    before = asyncio.all_tasks()
    yield
    if begun := asyncio.all_tasks() - before:
        await asyncio.wait(begun, timeout=PATIENCE_SECONDS)


class Recorded:
    """What asking leaves behind: entries of the trail and reads of members' files."""

    @staticmethod
    async def now() -> tuple[int, int]:
        """How far both have come."""
        row = await database.fetch_one(
            "SELECT coalesce((SELECT max(id) FROM audit_entry), 0) AS entries,"
            " coalesce((SELECT max(id) FROM file_read), 0) AS reads"
        )
        assert row is not None
        return row["entries"], row["reads"]

    @staticmethod
    async def since(mark: tuple[int, int]) -> list[str]:
        """What has come since then, in any order."""
        rows = await database.fetch(
            "SELECT jsonb_build_array(actor, action, object_type, object_id, after, reason)::text AS text"
            "  FROM audit_entry WHERE id > $1"
            " UNION ALL SELECT jsonb_build_array(actor, member_id, reader_role, reader_office, purpose)::text"
            "  FROM file_read WHERE id > $2",
            *mark,
        )
        return sorted(str(row["text"]) for row in rows)


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
