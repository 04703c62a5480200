"""The hand-written statements of `sql/`, in the three forms in which they are run."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from string import Template
from typing import Final, cast

from backend.core.locale import Locale
from backend.deductions.domain import INSTALMENT_STATE_TEXTS
from backend.deductions.views import COLLECTABLE
from backend.purchases.domain import PURCHASE_STATE_TEXTS
from benchmarks import available
from benchmarks.refusals import Refused
from benchmarks.screens import FIRST, Screen

# Of every session that runs them: what is planned once is run ever after, and `plans` has looked at it.
SESSION: Final = {"jit": "off", "timezone": "UTC", "plan_cache_mode": "force_generic_plan"}
_ARRAYS: Final = frozenset({"bigint", "float8"})  # of these an element is found without a walk


def prepared(screen: Screen) -> str:
    """One request a statement, with the screen's arguments as $1, $2 …"""
    columns = enumerate(screen.columns.items(), start=1)
    return _filled(screen, {name: f"${place}::{kind}" for place, (name, kind) in columns})


def batched(screen: Screen) -> str:
    """Many requests a statement: each argument is an array; rows of `answer` in the order of the arrays."""
    kinds = enumerate(screen.columns.values(), start=1)
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in kinds)
    names = ", ".join(screen.columns)
    return (
        f"SELECT b.answer FROM unnest({arrays}) WITH ORDINALITY a ({names}, place)"
        f" CROSS JOIN LATERAL ({_of_row(screen)}) b ORDER BY a.place"
    )


def pgbench(screen: Screen, rows: Sequence[tuple[object, ...]], *, at_once: int) -> str:
    """A pgbench script that asks `at_once` random ones of these rows of arguments in each statement.

    Numbers are looked up in constant arrays, once a request; what else differs between rows is taken from the
    first, which is as much work for the database.
    """
    drawn = "".join(f"\\set i{n} random(1, {len(rows)})\n" for n in range(at_once))
    sql = _one_drawn(screen, rows) if at_once == 1 else _many_drawn(screen, rows, at_once)
    return f"{drawn}{' '.join(sql.split())};\n"


def _one_drawn(screen: Screen, rows: Sequence[tuple[object, ...]]) -> str:
    values = _looked_up(screen, rows, place=":i0::int")
    return _filled(screen, {name: f"(SELECT {value})" for name, value in values.items()})


def _many_drawn(screen: Screen, rows: Sequence[tuple[object, ...]], at_once: int) -> str:
    places = ", ".join(f":i{n}" for n in range(at_once))
    values = _looked_up(screen, rows, place="k.i")
    columns = ", ".join(f"{value} AS {name}" for name, value in values.items())
    return (
        f"WITH a AS MATERIALIZED (SELECT {columns} FROM unnest(ARRAY[{places}]::int[]) k(i))"
        f" SELECT b.answer FROM a CROSS JOIN LATERAL ({_of_row(screen)}) b"
    )


def _looked_up(screen: Screen, rows: Sequence[tuple[object, ...]], *, place: str) -> dict[str, str]:
    columns = zip(screen.columns.items(), zip(*rows, strict=True), strict=True)
    return {name: _value(kind, values, place) for (name, kind), values in columns}


def _value(kind: str, values: Sequence[object], place: str) -> str:
    if kind not in _ARRAYS or len(set(values)) == 1:
        return f"{_literal(values[0])}::{kind}"
    array = ",".join(str(value) for value in values)
    return f"('{{{array}}}'::{kind}[])[{place}]"


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    return str(value).lower()


def _of_row(screen: Screen) -> str:
    return _filled(screen, {name: f"a.{name}" for name in screen.columns})


def _filled(screen: Screen, arguments: Mapping[str, str]) -> str:
    return Template(_text(screen)).substitute(_constants(), **arguments)


def _text(screen: Screen) -> str:
    file = screen.sql
    if file is None:
        raise Refused(
            f"{screen.name} reads nothing of the database, so no statement can be measured for it"
        )
    return file.read_text(encoding="utf-8")


@cache
def _constants() -> Mapping[str, str]:
    return {
        "purchase_state_texts": _cases(cast("_Texts", PURCHASE_STATE_TEXTS)),
        "instalment_state_texts": _cases(cast("_Texts", INSTALMENT_STATE_TEXTS)),
        "collectable": COLLECTABLE,
        "first": str(FIRST),  # a number that the planner sees: it would guess a tenth of the stores
        "credit_cap": str(available.POLICY.cap_rials),
        "pension_multiple": str(available.POLICY.pension_multiple),
    }


_Texts = Mapping[StrEnum, Mapping[Locale, str]]


def _cases(texts: "_Texts") -> str:
    return " ".join(
        f"WHEN '{state.value}' THEN '{words[Locale.FA]}'" for state, words in texts.items()
    )
