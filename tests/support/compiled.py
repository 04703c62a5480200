"""An operation run by the compiled path and by graphql-core, over the same data and at the same moment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import orjson
from graphql import OperationDefinitionNode, parse, validate

from backend.core import clock
from backend.core.locale import Locale
from backend.core.viewer import Viewer
from schema import root
from schema.context import Context
from schema.execution.compiler import CompiledOperation
from schema.execution.loan_round_reads import bind_loan_rounds
from schema.execution.member_reads import bind_me
from schema.execution.plan import Ask, Binding
from schema.loaders import Loaders
from tests.support.member_scene import NOON

BINDINGS: Mapping[tuple[str, str], Binding] = {
    ("Query", "me"): bind_me,
    ("Query", "loanRounds"): bind_loan_rounds,
}
SCHEMA = root.build()


def operation(document: str) -> CompiledOperation:
    """The one operation of a document, compiled with the bindings of tier 2. Raises Refused."""
    parsed = parse(document)
    assert validate(SCHEMA._schema, parsed) == []
    [found] = [each for each in parsed.definitions if isinstance(each, OperationDefinitionNode)]
    return CompiledOperation(SCHEMA, parsed, found, BINDINGS)


async def answer(
    compiled: CompiledOperation,
    viewer: Viewer,
    variables: Mapping[str, object] | None = None,
    *,
    locale: Locale = Locale.FA,
    now: datetime = NOON,
) -> bytes:
    """The answer of the compiled path, as its bytes. Raises what it refuses with."""
    coerced = compiled.coerce(variables or {})
    ask = Ask(viewer, locale, now, coerced, lambda: _context(viewer, locale, now))
    with clock.frozen(now):
        return await compiled.plan(coerced).answer(ask)


async def reference(
    document: str,
    viewer: Viewer,
    variables: Mapping[str, object] | None = None,
    *,
    locale: Locale = Locale.FA,
    now: datetime = NOON,
) -> dict[str, object]:
    """The faultless data of graphql-core."""
    with clock.frozen(now):
        result = await SCHEMA.execute(
            document,
            variable_values=cast("dict[str, Any]", variables or {}),
            context_value=_context(viewer, locale, now),
        )
    assert not result.errors, result.errors
    return cast("dict[str, object]", orjson.loads(orjson.dumps(result.data)))


async def both(
    document: str,
    viewer: Viewer,
    variables: Mapping[str, object] | None = None,
    *,
    locale: Locale = Locale.FA,
) -> dict[str, object]:
    """The data, seen to be the same by both, with their keys in the same order."""
    data = await reference(document, viewer, variables, locale=locale)
    got = await answer(operation(document), viewer, variables, locale=locale)
    assert orjson.loads(got) == {"data": data}
    assert orjson.dumps(orjson.loads(got)) == orjson.dumps({"data": data})
    return data


def _context(viewer: Viewer, locale: Locale, now: datetime) -> Context:
    return Context(viewer=viewer, locale=locale, now=now, loaders=Loaders(viewer=viewer, now=now))
