"""SQL expressions that give JSON text: constants and the texts of columns, put together with `||`.

Each gives what the schema's scalars write in Python, and SQL's NULL where a column holds what it should not: a NULL
anywhere makes the whole text NULL, which no answer may hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

_MOMENT: Final = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
MAX_CURSOR_KEYS: Final = 4  # a longer payload would be broken into lines
HOLE: Final = "\x01"  # around the name of a hole; JSON escapes it wherever it stands in a text


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON text: parts are constants, or SQL expressions of type text (`is_sql`)."""

    parts: tuple[tuple[bool, str], ...]

    @property
    def sql(self) -> str:
        """The SQL expression of the text."""
        return " || ".join(text if is_sql else quoted(text) for is_sql, text in self.parts)


def quoted(text: str) -> str:
    """A constant of SQL; the server has standard_conforming_strings on, as it is by default."""
    constant = "'" + text.replace("'", "''") + "'"
    if HOLE not in text:
        return constant
    return "E" + constant.replace("\\", "\\\\").replace(HOLE, "\\x01")


def constant(value: object) -> Json:
    """A value that is known when the statement is made."""
    return Json(((False, orjson.dumps(value).decode()),))


def computed(sql: str) -> Json:
    """An expression that is a JSON text already."""
    return Json(((True, f"({sql})"),))


def joined(*pieces: Json) -> Json:
    """One text after the other; neighbouring constants become one."""
    parts: list[tuple[bool, str]] = []
    for is_sql, text in (part for piece in pieces for part in piece.parts):
        if parts and not is_sql and not parts[-1][0]:
            parts[-1] = (False, parts[-1][1] + text)
        else:
            parts.append((is_sql, text))
    return Json(tuple(parts))


def verbatim(text: str) -> Json:
    """A piece of JSON text."""
    return Json(((False, text),))


def entries(pairs: Iterable[tuple[str, Json]]) -> Json:
    """What stands between the braces of an object with these keys, in this order."""
    pieces, comma = [], ""
    for key, value in pairs:
        pieces += [verbatim(f"{comma}{orjson.dumps(key).decode()}:"), value]
        comma = ","
    return joined(*pieces)


def obj(pairs: Iterable[tuple[str, Json]]) -> Json:
    """An object with these keys, in this order."""
    return joined(verbatim("{"), entries(pairs), verbatim("}"))


def hole(kind: int, key: str) -> Json:
    """A place for what is filled in later: the text has there HOLE, the kind, a colon, the key (SQL) and HOLE."""
    return joined(verbatim(f"{HOLE}{kind}:"), computed(f"({key})::text"), verbatim(HOLE))


def optional(value: Json) -> Json:
    """`null` where the expression is NULL."""
    return computed(f"coalesce({value.sql}, 'null')")


def text(sql: str) -> Json:
    """A text with whatever JSON escapes."""
    return computed(f"to_json({sql})::text")


def texts(sql: str) -> Json:
    """An array of texts; `sql` is of type text[] or jsonb."""
    return computed(f"to_json({sql})::text")


def number(sql: str) -> Json:
    """An integer."""
    return computed(f"({sql})::text")


def decimal(sql: str) -> Json:
    """A double, with a fraction also where that is zero, as Python writes it."""
    return computed(
        f"CASE WHEN {sql} = trunc({sql}) THEN {sql}::bigint || '.0' ELSE {sql}::text END"
    )


def boolean(sql: str) -> Json:
    """A truth value."""
    return computed(f"({sql})::text")


def moment(sql: str) -> Json:
    """A timestamptz in UTC, which is the session's time zone: microseconds in six digits, or none at all."""
    quote = verbatim('"')
    return joined(quote, computed(f"replace(to_char({sql}, {_MOMENT}), '.000000', '')"), quote)


def month(sql: str) -> Json:
    """A Jalali month, YYYYMM in the database, as `1405-09`."""
    quote = verbatim('"')
    return joined(
        quote,
        computed(f"left(({sql})::text, -2)"),
        verbatim("-"),
        computed(f"right(({sql})::text, 2)"),
        quote,
    )


def words(sql: str, by_value: Mapping[str, str], *, otherwise: Json | None = None) -> Json:
    """The text that stands for a value; NULL, or `otherwise`, for a value without one."""
    cases = " ".join(
        f"WHEN {quoted(value)} THEN {quoted(orjson.dumps(words).decode())}"
        for value, words in by_value.items()
    )
    rest = "" if otherwise is None else f" ELSE {otherwise.sql}"
    return computed(f"CASE {sql} {cases}{rest} END")


def global_id(type_name: str, key: str, member: str | None = None) -> Json:
    """The global id of `backend.core.ids`; no `+` or `/` can come of digits, colons and letters.

    The payload has less than 57 bytes for type names of up to 16 characters, so PostgreSQL breaks no line.
    """
    owner = "" if member is None else f" || {member}::text || ':'"
    payload = f"({quoted(f'{type_name}:')}{owner} || {key}::text)::bytea"
    quote = verbatim('"')
    return joined(quote, computed(f"replace(encode({payload}, 'base64'), '=', '')"), quote)


def cursor(head: str, keys: Sequence[str]) -> str:
    """SQL text of a cursor of `backend.core.paging`: `head` is what `paging.cursor_head` gave, keys are bigint."""
    assert len(keys) <= MAX_CURSOR_KEYS  # noqa: S101 - a mistake in a view
    payload = " || ".join([head, *(f"'\\x69'::bytea || int8send({key})" for key in keys)])
    return f"replace(replace(replace(encode({payload}, 'base64'), '=', ''), '+', '-'), '/', '_')"


def microseconds(sql: str) -> str:
    """SQL of a timestamptz as microseconds since 1970."""
    return f"(extract(epoch FROM {sql}) * 1000000)::bigint"
