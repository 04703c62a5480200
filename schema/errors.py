"""Errors as clients see them.

An expected failure of a query is a top-level error with a code; of a mutation, a member of its result union that
implements `UserError`, save what any request may meet: UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED and UNAVAILABLE stay
at the top level. Everything else is masked: the client gets `INTERNAL` and a trace id, the log the rest.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

import strawberry
from graphql import GraphQLError, VariableDefinitionNode, print_ast

from backend.core.errors import (
    BadUserInput,
    DomainError,
    Forbidden,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
    sentences,
)
from backend.core.locale import Locale
from backend.core.viewer import OwnFile
from backend.infra import telemetry

INTERNAL = "INTERNAL"

_INTERNAL_TEXTS = sentences(
    fa="خطایی در سامانه رخ داد. اگر ادامه یافت، شمارهٔ پیگیری را به پشتیبانی بگویید.",
    en="Something went wrong on our side. If it goes on, tell the support the trace id.",
)
_INVALID_VARIABLE = re.compile(r"Variable '\$(\w+)' has invalid value(?: at ([^:]+))?: ")
_log = telemetry.logger(__name__)


class BadRequest(DomainError):
    """The request can't be understood, or not be executed as it is: a mistake of the client's program."""

    code = "BAD_REQUEST"
    texts = sentences(
        fa="درخواست خوانده نشد: بدنه باید یک شیء JSON با کلید query یا documentId باشد.",
        en="The request can't be read: the body must be a JSON object with the key query or documentId.",
    )
    hints = sentences(
        fa="این اشکال از برنامه است: درخواست را با راهنمای API بسنجید.",
        en="This is a mistake of the program: compare its request with the description of the API.",
    )

    def __init__(
        self,
        *,
        field: tuple[str, ...] = (),
        reason: Mapping[Locale, str] | None = None,
        **data: str | int,
    ) -> None:
        """Take, where the class's own text says too little, the `reason` in both languages."""
        super().__init__(field=field, **data)
        self._reason = reason

    def message(self, locale: Locale) -> str:
        """Return the given reason, or else the text of the class."""
        return super().message(locale) if self._reason is None else self._reason[locale]


class VariableInvalid(BadRequest):
    """A variable's value does not fit its type; graphql-core's own words would repeat the value."""

    texts = sentences(
        fa="مقدار متغیر {name} از نوع {type} نیست.",
        en="The value of the variable {name} is not of the type {type}.",
    )


class DocumentNotFound(DomainError):
    """No trusted document has this id, or only trusted documents are run and this text is none."""

    code = "DOCUMENT_NOT_FOUND"
    texts = sentences(
        fa="این سند شناخته نیست.", en="This document is not one of those that are known here."
    )
    hints = sentences(
        fa="شناسه را از فهرست سندهای همین نسخه بردارید، یا برنامه را به‌روز کنید.",
        en="Take the id from the manifest of this release, or update the app.",
    )


class CostLimitExceeded(DomainError):
    """The operation could ask for more than one request may."""

    code = "COST_LIMIT"
    texts = sentences(
        fa="این درخواست بزرگ‌تر از اندازهٔ مجاز است.", en="This asks for more than one request may."
    )
    hints = sentences(
        fa="موردهای کمتری در هر صفحه یا فیلدهای کمتری بخواهید.",
        en="Ask for fewer items a page, or for fewer fields.",
    )


@strawberry.interface(description="A refusal of a mutation. New kinds may be added at any time.")
class UserError:
    """What every refusal carries."""

    code: str = strawberry.field(description="Stable; listed in error-codes.json.")
    message: str = strawberry.field(description="What was refused, in the viewer's language.")
    hint: str = strawberry.field(description="What to do next, in the viewer's language.")
    field: list[str] | None = strawberry.field(
        description="The path of the input that was refused; null where no single one was."
    )


T = TypeVar("T", bound=UserError)


def user_error(kind: type[T], error: DomainError, locale: Locale) -> T:
    """The member of a result union for a refusal."""
    return kind(
        code=error.code,
        message=error.message(locale),
        hint=error.hint(locale),
        field=list(error.field) or None,
    )


def formatted(error: GraphQLError, locale: Locale) -> dict[str, object]:
    """An error of a response: message, path, locations, and `extensions.code`."""
    failure = _failure(error) or _invalid_variable(error)
    answer: dict[str, object] = {}
    if failure is not None:
        answer["message"] = failure.message(locale)
        answer["extensions"] = _extensions(failure, locale, field=failure.field or _path(error))
    elif error.original_error is None or isinstance(error.original_error, GraphQLError):
        answer["message"] = error.message  # of the parser or a validation rule: about the document
        answer["extensions"] = {"code": BadRequest.code}
    else:
        _log.error("resolver_failed", path=error.path, exc_info=error.original_error)
        answer["message"] = _INTERNAL_TEXTS[locale]
        answer["extensions"] = {"code": INTERNAL, "traceId": telemetry.trace_id()}
    if error.locations:
        answer["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        answer["path"] = error.path
    return answer


def code_of(formatted: Mapping[str, object]) -> str:
    """The code of an error of a response."""
    extensions = formatted["extensions"]
    assert isinstance(extensions, Mapping)  # noqa: S101 - as `formatted` makes it
    return str(extensions["code"])


def _failure(error: GraphQLError) -> DomainError | None:
    """The domain's refusal behind an error; a scalar's is wrapped once more by graphql-core."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if isinstance(cause, DomainError) else None


def _invalid_variable(error: GraphQLError) -> DomainError | None:
    """The refusal of a variable's value, named by its path; the value itself is never repeated."""
    found = _INVALID_VARIABLE.match(error.message)
    node = error.nodes[0] if error.nodes else None
    if found is None or error.path or not isinstance(node, VariableDefinitionNode):
        return None
    path = re.findall(r"\w+", found[2] or "")
    return VariableInvalid(field=(found[1], *path), name=f"${found[1]}", type=print_ast(node.type))


def _path(error: GraphQLError) -> tuple[str, ...]:
    """Where in a variable a scalar refused its value: that one knows the value, and not its place."""
    found = _INVALID_VARIABLE.match(error.message)
    return () if found is None else (found[1], *re.findall(r"\w+", found[2] or ""))


def _extensions(
    failure: DomainError, locale: Locale, *, field: tuple[str, ...]
) -> Mapping[str, object]:
    extensions: dict[str, object] = {"code": _top_level_code(failure), "hint": failure.hint(locale)}
    if field:
        extensions["field"] = list(field)
    if isinstance(failure, RateLimited | Unavailable):
        extensions["retryAfterSeconds"] = failure.retry_after_seconds
    return extensions


def _top_level_code(failure: DomainError) -> str:
    """The closed set of the contract; a slice's refusal of a query is one of input."""
    for kind in (Unauthenticated, Forbidden, RateLimited, Unavailable):
        if isinstance(failure, kind):
            return kind.code
    if isinstance(failure, OwnFile):  # of a query; a mutation answers with its own code
        return Forbidden.code
    return BadUserInput.code if isinstance(failure, BadUserInput | NotFound) else failure.code
