"""Tier 2 of `Query.loanRounds`: one row of a statement for all who ask at the same time, for rounds are everybody's."""

from collections.abc import Awaitable, Sequence
from typing import Any, Final

import orjson

from backend.core.locale import Locale
from backend.infra.readviews import lists, sharing
from backend.infra.readviews.lists import Rows
from backend.infra.readviews.statements import Statement, StatementMaker
from backend.infra.readviews.views import Form
from backend.loans import reading
from backend.loans import views as loan_views
from schema.execution import connections, member_children
from schema.execution.awaiting import Begun
from schema.execution.plan import Ask, MakeWriter, Note, Part, Refused, Selected, Tier
from schema.execution.readings import Manner, Unreadable

_FORMS: Final = (Form(), Form(("state",)))


def bind_loan_rounds(selected: Selected, make_writer: MakeWriter, path: str) -> Part | None:
    """`loanRounds` by a statement; None where a field, such as `myQuota`, is the member's own."""
    del make_writer
    try:
        statements = {
            (locale, form): _statement(selected, locale, form)
            for locale in Locale
            for form in _FORMS
        }
    except Unreadable:
        return None

    def start(ask: Ask) -> Awaitable[object]:
        state = member_children.arguments(selected, ask).get("state")
        bound = reading.read_rounds(viewer=ask.viewer, state=state)
        statement = statements[ask.locale, bound.form]
        row = sharing.ask(statement, (bound.owner, *lists.values(bound)))
        return Begun(row, _written)

    sql = statements[Locale.FA, _FORMS[0]].sql
    return Part(Tier.READ_VIEW, start, is_async=True, notes=(Note(path, Tier.READ_VIEW, sql),))


def _statement(selected: Selected, locale: Locale, form: Form) -> Statement:
    maker = StatementMaker()
    rows = Rows(maker, loan_views.ROUNDS, form)
    written = connections.write_list(rows, selected, "LoanRound", Manner(locale))
    return maker.finished([written], is_common=True)


def _written(row: Sequence[Any]) -> object:
    text = row[sharing.FIRST_COLUMN]
    if text is None:
        raise Refused("a null in a text of SQL")
    return orjson.Fragment(text)
