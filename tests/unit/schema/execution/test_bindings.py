"""Bindings leave to resolvers what they do not know, and keep no more than they may."""

import pytest

from backend.core.locale import Locale
from backend.infra.readviews.views import Form
from schema.execution import member_reads, nearby
from schema.execution.bindings import BINDINGS
from schema.execution.compiler import CompiledOperation
from schema.execution.documents import Reader
from schema.execution.plan import Tier
from schema.execution.policy import DEFAULTS
from tests.support.compiled import SCHEMA

NEARBY = "{ nearbyStores(at: {latitude: 29.6, longitude: 52.5}) { %s } }"


def compiled(text: str) -> CompiledOperation:
    operation = Reader(SCHEMA._schema, DEFAULTS).read(text)
    return CompiledOperation(SCHEMA, operation.ast, operation.operation(None).node, BINDINGS)


@pytest.mark.parametrize(
    ("table", "selected"),
    [
        ("_VALUES", "pageInfo { hasNextPage }"),
        ("_COLUMNS", "edges { cursor }"),
    ],
)
def test_a_field_of_the_connection_that_memory_does_not_know_is_left_to_its_resolver(
    table: str, selected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiled(NEARBY % selected).tier is Tier.REFERENCE_DATA
    monkeypatch.setattr(nearby, table, {})

    assert compiled(NEARBY % selected).tier is Tier.RESOLVER


def test_forms_beyond_the_most_that_are_kept_take_the_place_of_the_least_recent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(member_reads, "MAX_FORMS", 2)
    [(_, part)] = compiled("{ me { firstName } }").plan({}).parts
    reading = part.start.__self__  # type: ignore[attr-defined]  # a bound method
    reading.statements.clear()
    usual = reading.statement(Locale.FA, ())
    for forms in ((), (Form(),), (Form(("state",)),)):
        reading.statement(Locale.EN, forms)
        assert reading.statement(Locale.FA, ()) is usual

    assert len(reading.statements) == 2
