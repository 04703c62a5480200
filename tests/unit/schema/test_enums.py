"""An enum of the domain is described value by value, or refused."""

from enum import StrEnum

import pytest

from schema import enums


class Light(StrEnum):
    RED = "RED"
    GREEN = "GREEN"


def test_each_value_has_its_description() -> None:
    enums.describe(Light, "A traffic light.", RED="Stop.", GREEN="Go.")

    definition = Light.__strawberry_definition__  # type: ignore[attr-defined]
    assert definition.description == "A traffic light."
    assert {value.name: value.description for value in definition.values} == {
        "RED": "Stop.",
        "GREEN": "Go.",
    }


@pytest.mark.parametrize(
    "values", [{"RED": "Stop."}, {"RED": "Stop.", "GREEN": "Go.", "BLUE": "?"}]
)
def test_a_value_that_is_missing_or_unknown_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(TypeError, match=r"^Light: (GREEN|BLUE)$"):
        enums.describe(Light, "A traffic light.", **values)
