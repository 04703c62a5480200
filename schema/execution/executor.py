"""Runs one operation within its limits: cost before, time during, size after.

What only reads may be cut at any moment. A mutation that has begun is not: nobody would know whether it was done.
Its statements have a time-out each, its cost is bounded, and what it answers is told in full.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from graphql import DocumentNode, GraphQLSchema, execute
from graphql.execution import ExecutionResult
from strawberry.execution import optimized_is_awaitable

from backend.core.errors import DomainError, Unavailable, sentences
from backend.infra import telemetry
from backend.infra.metrics import OK
from schema import errors
from schema.context import Context
from schema.errors import CostLimitExceeded
from schema.execution import compilation, limits
from schema.execution.asking import Variables
from schema.execution.documents import Document, Operation
from schema.execution.plan import Tier
from schema.execution.policy import Limits

RETRY_AFTER_SECONDS = 1

_log = telemetry.logger(__name__)


class OperationTimedOut(Unavailable):
    """A query took longer than an operation may."""

    texts = sentences(
        fa="پاسخ به‌موقع آماده نشد و چیزی تغییر نکرد.",
        en="The answer was not ready in time, and nothing was changed.",
    )


class AnswerTooLarge(CostLimitExceeded):
    """What was found is more than one answer may hold."""

    texts = sentences(
        fa="پاسخ از {most} بایت بزرگ‌تر است.", en="The answer is larger than {most} bytes."
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a response. `was_executed`: it has `data`, and may be null.

    `code` is that of the first error, or OK; `tier` the slowest of its parts.
    """

    body: bytes
    was_executed: bool
    code: str = OK
    tier: int = Tier.GRAPHQL_CORE


@dataclass(frozen=True, slots=True)
class Tried:
    """What a query has met already: a `failure` to be told, or it was left to graphql-core until `deadline`.

    The deadline is one of the event loop's clock.
    """

    deadline: float = 0.0
    failure: DomainError | None = None


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs operations of one schema; in development it reports what they cost."""

    schema: GraphQLSchema
    limits: Limits
    reports_cost: bool = False

    async def run(
        self,
        document: Document,
        operation: Operation,
        variables: Variables,
        context: Context,
        *,
        tried: Tried | None = None,
    ) -> Answer:
        """The answer of an operation; with `tried`, by graphql-core in the time that is left of the first try.

        Raises CostLimitExceeded and BeyondLimit, where nothing was run; OperationTimedOut, AnswerTooLarge, and
        Unavailable where compiled code met something that is away.
        """
        self.check(operation, variables)
        deadline = self.deadline() if tried is None else tried.deadline
        try:
            async with asyncio.timeout_at(deadline if operation.is_query else None):
                answer = None
                if tried is None:
                    answer = await self._compiled(operation, variables, context)
                if answer is None:
                    answer = await self.reference(document, operation, variables, context)
        except TimeoutError:
            raise self.timed_out(operation) from None
        if operation.is_query:
            self.check_size(answer.body)
        return answer

    def deadline(self) -> float:
        """When a query that begins now must have been answered, by the event loop's clock."""
        return asyncio.get_running_loop().time() + self.limits.seconds

    def timed_out(self, operation: Operation) -> OperationTimedOut:
        """The refusal of a query that took too long; tells the log."""
        _log.warning("operation.timed_out", operation=operation.name)
        return OperationTimedOut(RETRY_AFTER_SECONDS)

    def check_size(self, body: bytes) -> None:
        """Raises AnswerTooLarge where a query's answer is."""
        if len(body) > self.limits.answer_bytes:
            raise AnswerTooLarge(most=self.limits.answer_bytes)

    def check(self, operation: Operation, variables: Variables) -> None:
        """Raises CostLimitExceeded and BeyondLimit where these variables ask for too much."""
        limits.check_items(variables, self.limits)
        if operation.cost.of(variables) > self.limits.cost:
            raise CostLimitExceeded

    async def reference(
        self, document: Document, operation: Operation, variables: Variables, context: Context
    ) -> Answer:
        """The answer by graphql-core, which compiled operations are measured by."""
        result = await self._execute(document.ast, operation, variables, context)
        content: dict[str, object] = {}
        code = OK
        if result.errors:
            told = [errors.formatted(each, context.locale) for each in result.errors]
            content["errors"], code = told, errors.code_of(told[0])
        was_executed = result.data is not None or _was_executed(result)
        if was_executed:
            content["data"] = result.data
        if self.reports_cost:
            content["extensions"] = self._reported(operation, variables)
        return Answer(orjson.dumps(content), was_executed, code)

    async def _compiled(
        self, operation: Operation, variables: Variables, context: Context
    ) -> Answer | None:
        """The answer by compiled code; None where graphql-core has to give it, with loaders of its own."""
        if operation.compiled is None:
            return None
        ask = compilation.ask_of(replace(context, loaders=context.loaders.renewed()))
        found = await compilation.answer(operation.compiled, ask, variables)
        if found is None:
            return None
        if self.reports_cost:
            reported = orjson.dumps({"extensions": self._reported(operation, variables)})
            found = found[:-1] + b"," + reported[1:]
        return Answer(found, was_executed=True, tier=ask.tier)

    async def _execute(
        self, document: DocumentNode, operation: Operation, variables: Variables, context: Context
    ) -> ExecutionResult:
        result = execute(
            self.schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation.name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # annotated as plain bool
        )
        return result if isinstance(result, ExecutionResult) else await result

    def _reported(self, operation: Operation, variables: Variables) -> Mapping[str, object]:
        return {"cost": {"requested": operation.cost.of(variables), "limit": self.limits.cost}}


def _was_executed(result: ExecutionResult) -> bool:
    """An error of execution has a path; those of variables have none."""
    return bool(result.errors) and all(error.path is not None for error in result.errors or ())
