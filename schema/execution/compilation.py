"""From a valid operation to its compiled form, and from a request to its answer by it, or back to graphql-core."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import DocumentNode, OperationDefinitionNode
from strawberry import Schema

from backend.core.errors import DomainError, Unavailable
from backend.infra import telemetry
from schema.context import Context
from schema.execution.asking import Variables
from schema.execution.bindings import BINDINGS
from schema.execution.compiler import CompiledOperation
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
        return await plan.answer(ask)
    except Unavailable:
        raise
    except Refused as refused:
        reason = refused.reason
    except DomainError as error:
        reason = type(error).__name__
    except Exception as error:  # noqa: BLE001 - graphql-core runs the operation anew, and reports
        reason = type(error).__name__
        _log.warning("operation.fell_back", reason=reason)
    compiled.fallbacks[reason] = compiled.fallbacks.get(reason, 0) + 1
    return None
