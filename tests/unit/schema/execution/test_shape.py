"""How large an operation is, fragments spread; and each limit at its edge."""

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

from backend.core.locale import Locale
from schema.execution import limits, shape
from schema.execution.limits import BeyondLimit
from schema.execution.policy import Limits
from schema.execution.shape import Shape
from tests.support.boxes import aliased, doubling_fragments, nested


@pytest.mark.parametrize(
    ("document", "shapes"),
    [
        ("{ a }", [Shape(root_fields=1)]),
        ("{ a { b } }", [Shape(depth=1, root_fields=1)]),
        ("{ a { b { c } } d { e } }", [Shape(depth=2, root_fields=2)]),
        ("{ x: a { y: b } z: c }", [Shape(depth=1, aliases=3, root_fields=2)]),
        (
            "query A { a { b } } query B { x: a }",
            [Shape(depth=1, root_fields=1), Shape(aliases=1, root_fields=1)],
        ),
        ("{ ... { a { b } } }", [Shape(depth=1, root_fields=1)]),
        (
            "{ a { ...F } } fragment F on T { b { x: c } }",
            [Shape(depth=2, aliases=1, root_fields=1)],
        ),
        ("{ a { ...F } ...F } fragment F on T { x: b }", [Shape(1, 2, root_fields=2)]),
        ("{ __schema { types { fields { x: name } } } }", [Shape(aliases=1, root_fields=1)]),
        ("{ ...F } fragment F on T { a { ...F } }", [Shape(depth=1, root_fields=1)]),
        ("{ ...None }", [Shape()]),
        ("fragment F on T { a { x: b } }", []),
        (
            "query ($v: Int @a) @b { c @d ... @e { f } ...G @h } fragment G on T @i { j @k }",
            [Shape(directives=7, root_fields=3)],
        ),
        (
            "query ($v: [Int] = [1, 2]) { a(b: {c: [[1, 2, 3]]}) { d(e: []) } }",
            [Shape(depth=1, root_fields=1, list_items=3)],
        ),
        ("{ a @b(c: [1, 2]) }", [Shape(directives=1, root_fields=1, list_items=2)]),
    ],
)
def test_a_shape_counts_what_an_operation_has_once_spread(
    document: str, shapes: list[Shape]
) -> None:
    assert shape.measure(parse(document)) == shapes


AT_THE_EDGE = [
    ("depth", 3, nested(3), nested(4)),
    ("depth", 2, "{ a { ...F } } fragment F on T { b { c } }", "{ a { b { ...F } } } fragment F on T { c { d } }"),
    ("aliases", 4, aliased(4), aliased(5)),
    ("aliases", 4, "{ ...F ...F } fragment F on T { x: a y: b }", "{ ...F ...F z: c } fragment F on T { x: a y: b }"),
    ("directives", 2, "{ a @x @y }", "{ a @x @y @z }"),
    ("root_fields", 2, "{ a { c d } b }", "{ a b c }"),
    ("root_fields", 2, "{ ...F } fragment F on T { a b }", "{ ...F ...F } fragment F on T { a b }"),
    ("list_items", 2, "{ a(b: [1, 2]) }", "{ a(b: [1, 2, 3]) }"),
    ("list_items", 2, "{ a(b: {c: [1, 2]}) }", "{ a(b: [{c: [1, 2, 3]}]) }"),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "most", "within", "beyond"), AT_THE_EDGE)
def test_what_reaches_a_limit_passes_and_what_goes_beyond_is_refused(
    limit: str, most: int, within: str, beyond: str
) -> None:
    limited = Limits(**{limit: most})

    shape.check(parse(within), limited)
    with pytest.raises(BeyondLimit) as refused:
        shape.check(parse(beyond), limited)

    assert refused.value.code == "BAD_REQUEST"
    assert str(most) in refused.value.message(Locale.EN)
    assert refused.value.message(Locale.FA).strip()


@pytest.mark.timeout(20)
def test_fragments_that_double_at_every_level_are_measured_at_once() -> None:
    """Read out, 150 levels would be 2 ** 150 fields."""
    with pytest.raises(BeyondLimit) as refused:
        shape.check(parse(doubling_fragments(150, "a: __typename")), Limits())

    assert refused.value.message(Locale.EN) == "The document has more than 15 aliases."


def test_what_nests_beyond_the_stack_is_too_deep() -> None:
    """No text that parses nests so far; the limit does not rest on that."""
    node = FieldNode(name=NameNode(value="a"))
    for _ in range(5_000):
        node = FieldNode(
            name=NameNode(value="a"), selection_set=SelectionSetNode(selections=(node,))
        )
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY, selection_set=SelectionSetNode(selections=(node,))
    )

    with pytest.raises(BeyondLimit) as refused:
        shape.check(DocumentNode(definitions=(operation,)), Limits())

    assert refused.value.message(Locale.EN) == "The document nests deeper than 12."


@pytest.mark.parametrize("value", [[1, 2], {"a": [1, 2]}, [[1, 2], [{"b": [1, 2]}]], "abc", None])
def test_lists_among_the_variables_may_be_as_long_as_the_limit(value: object) -> None:
    limits.check_items(value, Limits(list_items=2))


@pytest.mark.parametrize("value", [[1, 2, 3], {"a": [1, 2, 3]}, [[{"b": [1, 2, 3]}]]])
def test_longer_ones_are_refused_wherever_they_stand(value: object) -> None:
    with pytest.raises(BeyondLimit):
        limits.check_items(value, Limits(list_items=2))
