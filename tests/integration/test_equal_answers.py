"""Compiled operations answer what graphql-core answers: random documents over the whole schema, on real data.

Members and the staff of every kind ask, and what asking records is the same as well.
`EQUAL_ANSWERS=100000 pytest tests/integration/test_equal_answers.py` compares as many as wanted.
"""

import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random

import asyncpg
import pytest
from argon2 import PasswordHasher

from backend import composition
from backend.access import passwords
from backend.core import clock
from backend.core.errors import DomainError, Unavailable
from backend.core.ids import GlobalId
from backend.infra import db as database
from backend.infra import jobs
from backend.infra.metrics import OK
from backend.infra.sms import port as sms
from backend.settings import Settings
from backend.stores import directory
from backend.stores.directory import Directory
from tests.support import directories, equal_askers, member_scene, role_world
from tests.support.equal_answers import PATIENCE_SECONDS, SCHEMA, Comparison
from tests.support.random_documents import Generator
from tests.support.role_world import World

DOCUMENTS = int(os.environ.get("EQUAL_ANSWERS", "2000"))
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
    r"|a value that its scalar or enum refuses|a field extension|a directive's variable without a value"
)
LEAST_BY_ASKER = 1 / 500  # of all documents, so many must have been compiled and answered to each
CONSOLE = Path(__file__).resolve().parents[2] / "console" / "operations"


@pytest.fixture
async def world(
    db: None, cache: None, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A member with everything, another with little, staff of all kinds, and stores in memory that do not grow old."""
    del db, cache
    await database.close()
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 64, 1))  # fast: nothing is guessed
    monkeypatch.setattr(database, "ACQUIRE_SECONDS", PATIENCE_SECONDS)
    await database.connect(database_url, statement_timeout_ms=PATIENCE_SECONDS * 1_000)
    monkeypatch.setattr(directory, "FRESH_SECONDS", 3_600 * 24)
    monkeypatch.setattr(directory, "_this_process", Directory())
    connection = await asyncpg.connect(database_url)
    await jobs.install(connection)
    await connection.close()
    composition.configure_sms(Settings(data_dir=tmp_path))
    with clock.frozen(member_scene.NOON):
        made = await role_world.made(tmp_path)
        await member_scene.add_devices_and_favourites(made.scene)
        async with directories.kept(database_url, directory.current()):
            yield made
    await sms.close()


# graphql-core leaves alone the siblings of a field that fails while it starts them: 34 times in 100,000 documents.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <coroutine object GraphQLCoreConverter:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.timeout(max(900, DOCUMENTS // 5))
async def test_random_documents_have_equal_answers_and_leave_the_same_behind(world: World) -> None:
    comparison = Comparison()
    askers = await equal_askers.everyone(world)
    values = {**equal_askers.good_values(world), **await equal_askers.cursors(world, SCHEMA)}
    before = await world.fingerprint()

    for seed in range(DOCUMENTS):
        random = Random(seed)
        asker = random.choice(askers)
        made = Generator(SCHEMA._schema, random, values, asker.usual_roots).document()
        document = comparison.read(made.text)
        if document is not None:
            await comparison.compare(document, made.text, made.variables, asker)

    after = await world.fingerprint()
    assert {each for each in after if after[each] != before[each]} <= {"audit_entry", "file_read"}
    seen = comparison.seen
    answered = seen["compiled"] + seen["left to graphql-core"]
    assert seen["compiled"] >= LEAST_COMPILED_SHARE * answered, (seen, comparison.reasons)
    assert {each for each in comparison.reasons if not may_be_left(each)} == set()
    rare = {
        each: comparison.by_binding[each]
        for each, share in LEAST_BY_BINDING.items()
        if comparison.by_binding[each] < int(share * DOCUMENTS)
    }
    assert rare == {}, comparison.by_binding
    silent = {
        each.name
        for each in askers
        if comparison.by_asker[each.name] < int(LEAST_BY_ASKER * DOCUMENTS)
    }
    assert silent == set(), comparison.by_asker


async def test_what_the_console_asks_has_equal_answers_for_every_role(world: World) -> None:
    comparison = Comparison()
    askers = [await equal_askers.asker(world, name) for name in world.askers]
    told: dict[str, set[str]] = {}
    for file in sorted(CONSOLE.glob("*.graphql")):
        text = file.read_text(encoding="utf-8")
        document = comparison.read(text)
        assert document is not None, file
        if not document.operation(None).is_query:
            continue
        for variables in console_variables(file.stem, world):
            for asker in askers:
                found = await comparison.compare(document, text, variables, asker)
                told.setdefault(file.stem, set()).add(found.code)

    assert set(told) >= {"Approvals", "AuditTrail", "Member", "Members", "Operators", "StoreStaff"}
    assert {
        name for name, codes in told.items() if OK not in codes
    } == set()  # answered to somebody
    refused = {name for name, codes in told.items() if codes - {OK}}
    assert refused >= {"Approvals", "AuditTrail", "Member", "Members", "Operators", "StoreStaff"}


def console_variables(name: str, world: World) -> list[dict[str, object]]:
    """What an operation of the console is asked with: what is there, and what is not, or is refused."""
    given = world.given
    about: dict[str, list[dict[str, object]]] = {
        "Approval": [{"id": given["approval"]}, {"id": given["member"]}],
        "AuditTrail": [{"first": 5}, {"filter": {"action": "test.everything"}}, {"first": 0}],
        "FileImport": [{"id": GlobalId("FileImport", 1).encode()}],
        "Member": [
            {"id": given["member"], "purpose": given["reason"]},
            {"id": given["frozen"], "purpose": given["reason"], "first": 0},
            {"id": given["target"], "purpose": given["reason"]},
            {"id": given["member"], "purpose": ""},
        ],
        "Members": [{"search": "احمدی"}, {"search": "10000001"}, {"search": "x", "first": 0}],
        "Node": [{"id": given["target"]}, {"id": given["approval"]}],
        "Operator": [{"id": given["target"]}, {"id": given["member"]}],
        "Operators": [{}, {"search": "target", "role": "OBSERVER"}, {"after": "x"}],
        "StoreRecord": [{"id": given["store"]}, {"id": given["closed_store"]}],
        "StoreRecords": [{}, {"search": "hafez", "first": 1}, {"after": "x"}],
        "StoreSettlement": [{"id": given["store"]}],
        "StoreStaff": [{"storeId": given["store"]}],
    }
    return about.get(name, [{}])


def may_be_left(reason: str) -> bool:
    """Whether a document may be left to graphql-core for this reason."""
    return REASONS.fullmatch(reason) is not None or reason in refusals(DomainError)


def refusals(kind: type[DomainError]) -> set[str]:
    """The names of all errors that services refuse with."""
    below = (refusals(each) for each in kind.__subclasses__() if each is not Unavailable)
    return {kind.__name__}.union(*below)
