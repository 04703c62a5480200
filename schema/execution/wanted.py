"""From a body to the compiled operation that it asks for, with its variables.

A body that names a trusted document and can hold nothing personal, such as that of a first page, is the same for
every member: what it means is remembered.
"""

from typing import Final, NamedTuple

import orjson

from backend.core.errors import DomainError
from schema.execution import asking, documents
from schema.execution.asking import Variables
from schema.execution.compiler import CompiledOperation, Plan
from schema.execution.documents import Document, Operation
from schema.execution.executor import Executor
from schema.execution.plan import Refused
from schema.execution.policy import Audience
from schema.execution.trusted import DocumentStore

MAX_KEPT: Final = 2_048
MAX_KEPT_BYTES: Final = 512  # of a body

_USUAL: Final = frozenset({"documentId", "variables"})


class Wanted(NamedTuple):
    """A compiled operation, its plan for these variables, and the variables coerced; they are not to be changed."""

    operation: Operation
    compiled: CompiledOperation
    plan: Plan
    variables: Variables
    document_id: str | None


class BodyReader:
    """Reads bodies for one process."""

    def __init__(self, store: DocumentStore, executor: Executor) -> None:
        self._documents = store
        self._executor = executor
        # What costs less than the limit, whatever its variables, needs not be reckoned each time.
        self._always_affordable = {
            f"sha256:{key}": each
            for key, each in store.trusted.items()
            if each.operation.cost.most() <= executor.limits.cost
        }
        self._kept: dict[bytes, Wanted] = {}

    def read(self, body: bytes, audience: Audience) -> Wanted | None:
        """What it asks for; None where that is not compiled, or is refused: the application says why."""
        wanted = self._kept.get(body)
        if wanted is not None:
            return wanted
        try:
            return self._usual(body) or self._read(body, audience)
        except (DomainError, documents.Refused, Refused):
            return None

    def _usual(self, body: bytes) -> Wanted | None:
        """A body that our apps send: an id and variables without lists, written as we write JSON; None for others."""
        if b"[" in body:
            return None
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if type(given) is not dict or given.keys() != _USUAL or orjson.dumps(given) != body:
            return None
        known, variables = given["documentId"], given["variables"]
        found = self._always_affordable.get(known) if type(known) is str else None
        if found is None or type(variables) is not dict:
            return None
        wanted = _wanted(found.operation, variables, found.id)
        return self._keep(body, found.document, wanted)

    def _read(self, body: bytes, audience: Audience) -> Wanted | None:
        asked = asking.of_body(body)
        document = self._documents.find(asked, audience)
        operation = document.operation(asked.operation_name)
        self._executor.check(operation, asked.variables)
        wanted = _wanted(operation, asked.variables, asked.document_id)
        # A trusted document is run for everyone alike.
        is_trusted = asked.text is None or self._documents.is_trusted(asked.text)
        return self._keep(body, document, wanted) if is_trusted else wanted

    def _keep(self, body: bytes, document: Document, wanted: Wanted | None) -> Wanted | None:
        """Remember what a body means, where it can hold nothing personal."""
        if wanted is not None and document.is_safe_in_url and len(body) <= MAX_KEPT_BYTES:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[body] = wanted
        return wanted


def _wanted(operation: Operation, given: Variables, document_id: str | None) -> Wanted | None:
    compiled = operation.compiled
    if compiled is None:
        return None
    variables = compiled.coerce(given)
    return Wanted(operation, compiled, compiled.plan(variables), variables, document_id)
