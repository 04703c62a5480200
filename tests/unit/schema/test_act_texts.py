"""What acts and changes are called: nothing that stands in the trail or in an approval is left bare."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import backend
from backend import worker  # noqa: F401 - registers every kind of approval
from backend.access import staff
from backend.approvals import service as approvals
from backend.core.locale import Locale
from schema import act_texts, value_texts
from schema.act_texts import Texts

_ACTION = re.compile(r'(?:action=|record\([^()"]{0,80}?)"([a-z_]+(?:\.[a-z_]+)+)"')
_OBJECT = re.compile(r'object_type="([A-Z]\w+)"')


def sources() -> Iterator[str]:
    for path in Path(backend.__path__[0]).rglob("*.py"):
        yield path.read_text(encoding="utf-8")


def test_every_kind_of_approval_has_a_name() -> None:
    of_tests = {each for each in approvals.registered() if each.startswith("test")}

    assert {*approvals.registered()} - of_tests == {*act_texts.KINDS}


def test_every_action_that_is_written_out_has_a_name() -> None:
    found = {action for source in sources() for action in _ACTION.findall(source)}

    assert len(found) > 30
    assert found - {*act_texts.ACTIONS} == set()


def test_every_object_that_is_written_out_has_a_name() -> None:
    found = {each for source in sources() for each in _OBJECT.findall(source)}

    assert found | {staff.BREAK_GLASS} <= {*act_texts.OBJECTS}


@pytest.mark.parametrize(
    "table", [act_texts.KINDS, act_texts.ACTIONS, act_texts.OBJECTS, value_texts.VALUES]
)
def test_names_are_in_both_languages_and_each_in_its_own(table: Texts) -> None:
    for name, texts in table.items():
        assert re.search("[آ-ی]", texts[Locale.FA]), name
        assert not re.search("[آ-ی]", texts[Locale.EN]), name


def test_what_has_no_name_is_shown_as_it_is() -> None:
    assert act_texts.of(act_texts.KINDS, "slice.later", Locale.FA) == "slice.later"
