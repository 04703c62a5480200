"""From a valid operation to its compiled form, and from a request to its answer by it, or back to graphql-core."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from graphql import DocumentNode, OperationDefinitionNode
from strawberry import Schema

from backend.core.errors import DomainError, Unavailable
from backend.infra import telemetry
from schema.context import Context
from schema.execution.asking import Variables
from schema.execution.bindings import BINDINGS
from schema.execution.compiler import CompiledOperation, Plan
from schema.execution.plan import Ask, Binding, Refused

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Compilation:
    """Compiles operations of one schema. What can't be compiled is logged, and graphql-core serves it."""

    schema: Schema
    bindings: Mapping[tuple[str, str], Binding] = field(default_factory=lambda: BINDINGS)

    def compiled(
        self, document: DocumentNode, operation: OperationDefinitionNode
    ) -> CompiledOperation | None:
        """The operation compiled; None where graphql-core has to serve it."""
        name = "" if operation.name is None else operation.name.value
        try:
            return CompiledOperation(self.schema, document, operation, self.bindings)
        except Refused as refused:
            _log.debug("operation.not_compiled", operation=name, reason=refused.reason)
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core serves the operation
            _log.exception("operation.compile_failed", operation=name)
        return None


def ask_of(context: Context) -> Ask:
    """A request whose context has been made already."""
    return Ask(
        viewer=context.viewer,
        locale=context.locale,
        now=context.now,
        variables={},
        make_context=lambda: context,
    )


async def answer(compiled: CompiledOperation, ask: Ask, given: Variables) -> bytes | None:
    """The answer as JSON; None where graphql-core has to give it: a refusal, or something unforeseen.

    Raises Unavailable: what is away or overloaded is not asked again in a dearer way.
    """
    try:
        ask.variables = compiled.coerce(given)
        plan = compiled.plan(ask.variables)
        ask.tier = plan.tier
    except Exception as error:  # noqa: BLE001 - graphql-core runs the operation anew, and reports
        _fell_back(compiled, error)
        return None
    return await planned(compiled, plan, ask)


def begun(compiled: CompiledOperation, plan: Plan, ask: Ask) -> bytes | Awaitable[bytes] | None:
    """The answer by a plan for the request's variables, or what is to be given to `planned`; None as in `answer`."""
    try:
        return plan.begin(ask)
    except Exception as error:  # noqa: BLE001 - as above
        _fell_back(compiled, error)
        return None


async def planned(
    compiled: CompiledOperation, plan: Plan, ask: Ask, waiting: Awaitable[bytes] | None = None
) -> bytes | None:
    """The same as `answer`, by a plan for the request's variables; `waiting` where that has begun already."""
    try:
        found = plan.begin(ask) if waiting is None else waiting
        return found if isinstance(found, bytes) else await found
    except Exception as error:  # noqa: BLE001 - as above
        _fell_back(compiled, error)
        return None


def _fell_back(compiled: CompiledOperation, error: Exception) -> None:
    """Count what graphql-core has to answer. Raises Unavailable."""
    if isinstance(error, Unavailable):
        raise error
    reason = error.reason if isinstance(error, Refused) else type(error).__name__
    if not isinstance(error, Refused | DomainError):
        _log.warning("operation.fell_back", reason=reason)
    compiled.fallbacks[reason] = compiled.fallbacks.get(reason, 0) + 1
