"""Errors as clients see them.

An expected failure of a query is a top-level error with a code; of a mutation, a member of its result union that
implements `UserError`, save what any request may meet: UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED and UNAVAILABLE stay
at the top level. Everything else is masked: the client gets `INTERNAL` and a trace id, the log the rest.
"""

from collections.abc import Mapping
from typing import TypeVar

import strawberry
from graphql import GraphQLError

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
from backend.infra import telemetry

BAD_REQUEST = "BAD_REQUEST"
INTERNAL = "INTERNAL"

_INTERNAL_TEXTS = sentences(
    fa="خطایی در سامانه رخ داد. اگر ادامه یافت، شمارهٔ پیگیری را به پشتیبانی بگویید.",
    en="Something went wrong on our side. If it goes on, tell the support the trace id.",
)
_log = telemetry.logger(__name__)


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
    failure = _failure(error)
    answer: dict[str, object] = {}
    if failure is not None:
        answer["message"] = failure.message(locale)
        answer["extensions"] = _extensions(failure, locale)
    elif error.original_error is None or isinstance(error.original_error, GraphQLError):
        answer["message"] = error.message  # of the parser or a validation rule: about the document
        answer["extensions"] = {"code": BAD_REQUEST, **(error.extensions or {})}
    else:
        _log.error("resolver_failed", path=error.path, exc_info=error.original_error)
        answer["message"] = _INTERNAL_TEXTS[locale]
        answer["extensions"] = {"code": INTERNAL, "traceId": telemetry.trace_id()}
    if error.locations:
        answer["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        answer["path"] = error.path
    return answer


def _failure(error: GraphQLError) -> DomainError | None:
    """The domain's refusal behind an error; a scalar's is wrapped once more by graphql-core."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if isinstance(cause, DomainError) else None


def _extensions(failure: DomainError, locale: Locale) -> Mapping[str, object]:
    extensions: dict[str, object] = {"code": _top_level_code(failure), "hint": failure.hint(locale)}
    if failure.field:
        extensions["field"] = list(failure.field)
    if isinstance(failure, RateLimited | Unavailable):
        extensions["retryAfterSeconds"] = failure.retry_after_seconds
    return extensions


def _top_level_code(failure: DomainError) -> str:
    """The closed set of the contract; a slice's refusal of a query is one of input."""
    for kind in (Unauthenticated, Forbidden, RateLimited, Unavailable):
        if isinstance(failure, kind):
            return kind.code
    return BadUserInput.code if isinstance(failure, BadUserInput | NotFound) else failure.code
