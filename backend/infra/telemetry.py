"""Logs: one shape for every line, a trace id on each, and no personal data in any.

`configure_logging` routes structlog and the standard library (uvicorn, tortoise, pgqueuer, asyncio)
through one formatter. What a line may not show is decided in `backend.infra.redaction`.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from backend.infra import redaction

# Their debug lines print SQL with its values, or a URL with its query.
QUIET_LOGGERS = ("asyncpg", "tortoise", "httpx", "httpcore", "redis")
# uvicorn installs handlers of its own; start it with log_config=None as well.
ADOPTED_LOGGERS = ("uvicorn", "uvicorn.access", "uvicorn.error", "pgqueuer", "asyncio", "tortoise")

_trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)


def configure_logging(*, level: str, json: bool, stream: TextIO | None = None) -> None:
    """Send every log line to `stream` (standard error): JSON lines, or a readable console.

    `level` is a standard name such as "INFO"; an unknown one raises ValueError. May be
    called again: the last call wins.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.addFilter(_is_free_of_sql_values)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Before redaction, so that a traceback is text by then. The console's own rich
                # tracebacks would print local variables.
                structlog.processors.format_exc_info,
                redaction.redact_event,
                _renderer(json=json, colors=target.isatty()),
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = [handler]
    for name in ADOPTED_LOGGERS:
        adopted = logging.getLogger(name)
        adopted.handlers.clear()
        adopted.propagate = True
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    # What pgqueuer tells below a warning, backend.infra.job_run tells with the job and its trace.
    logging.getLogger("pgqueuer").setLevel(max(logging.WARNING, root.level))


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of that dotted name; events are short dotted words, data goes in keywords."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def trace_id() -> str | None:
    """The id of the request (or of the request that enqueued the job) now being served."""
    return _trace_id.get()


@contextlib.contextmanager
def bind_trace(trace: str | None) -> Iterator[None]:
    """Every line logged inside carries `trace`; leaving restores what was bound before."""
    token = _trace_id.set(trace)
    try:
        yield
    finally:
        _trace_id.reset(token)


def begin_trace(trace: str) -> Token[str | None]:
    """The same as `bind_trace`, until `end_trace`: without the cost of a block."""
    return _trace_id.set(trace)


def end_trace(token: Token[str | None]) -> None:
    """Restore what was bound before."""
    _trace_id.reset(token)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    bound = _trace_id.get()
    if bound is not None:
        event.setdefault("trace_id", bound)
    return event


def _is_free_of_sql_values(record: logging.LogRecord) -> bool:
    """Drops debug lines of the quiet loggers even when someone lowers a child's level later."""
    return record.levelno >= logging.INFO or record.name.split(".", 1)[0] not in QUIET_LOGGERS


def _renderer(*, json: bool, colors: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(serializer=_to_json)
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )


def _to_json(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
