"""What an operation may cost: by hand, at its limit, and never less than what its answer holds."""

import pytest
from graphql import GraphQLObjectType, OperationDefinitionNode, build_schema, parse, validate
from hypothesis import given
from hypothesis import strategies as st

from schema import root
from schema.execution import costs, weights
from schema.execution.costs import Cost, Size
from schema.execution.policy import Limits
from tests.support.boxes import doubling_fragments, reader

SCHEMA = build_schema("""
    type Query {
      box(size: Int): Box!
      boxes(first: Int, after: String): Page!
      any(first: Int): Page
      list: [Box!]!
      words: [String!]!
      thing: Thing
    }
    type Page { edges: [Edge!]! info: Info! extra: [Info!] }
    type Edge { cursor: String! node: Box! }
    type Info { more: Boolean! }
    union Thing = Box | Info
    type Box { name: String! inner: Box! shelf: [Box!]! boxes(first: Int): Page! }
""")
for owner, default in (("Query", 20), ("Box", 5)):  # as Strawberry writes defaults
    SCHEMA.type_map[owner].fields["boxes"].args["first"].default_value = default  # type: ignore[attr-defined]
TWO_PAGES = """query ($n: Int, $m: Int) {
  boxes(first: $n) { edges { node { boxes(first: $m) { edges { cursor } } } } }
}"""
FIRST = Size("n", 20, 100)
SMALL = Size("m", 5, 100)


def cost_of(document: str) -> Cost:
    parsed = parse(document)
    assert validate(SCHEMA, parsed) == []
    operation = parsed.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return costs.of_operation(SCHEMA, parsed, operation)


@pytest.mark.parametrize(
    ("document", "terms"),
    [
        ("{ words __typename }", {}),
        ("{ box { name } }", {(): 1}),
        ("{ box { inner { inner { name } } } }", {(): 3}),
        ("{ a: box { name } b: box { name } }", {(): 2}),
        ("{ list { name } }", {(): weights.SIZE}),
        ("{ list { shelf { name } } }", {(): weights.SIZE + weights.SIZE**2}),
        ("{ boxes { edges { cursor } } }", {(): 1 + 20}),
        ("{ boxes(first: 7) { edges { cursor node { name } } info { more } } }", {(): 2 + 14}),
        ("{ boxes(first: 7) { extra { more } } }", {(): 1 + 7}),
        ("{ boxes(first: 7) { edges { node { shelf { name } } } } }", {(): 1 + 14 + 35}),
        ("{ boxes(first: 1000) { edges { cursor } } }", {(): 1 + 100}),
        ("{ any { edges { cursor } } }", {(): 1 + 100}),
        ("query ($n: Int) { boxes(first: $n) { edges { cursor } } }", {(): 1, (FIRST,): 1}),
        (
            TWO_PAGES,
            {(): 1, (FIRST,): 3, (SMALL, FIRST): 1},
        ),
        (
            "query ($n: Int = 3) { boxes(first: $n) { edges { cursor } } }",
            {(): 1, (Size("n", 3, 100),): 1},
        ),
        ("{ boxes(first: 2) { ...P } } fragment P on Page { edges { cursor } }", {(): 1 + 2}),
        (
            "{ a: any(first: 2) { ...P } b: any(first: 9) { ...P } } fragment P on Page { edges { cursor } }",
            {(): 2 + 2 + 9},
        ),
        ("{ thing { ... on Box { inner { name } } ... on Info { more } } }", {(): 2}),
        ("{ box { name } ... { box { inner { name } } } }", {(): 3}),
        ("query ($s: Boolean!) { box @skip(if: $s) { name } }", {(): 1}),
        ("{ __schema { types { fields { name } } } }", {}),
    ],
)
def test_a_cost_is_about_the_objects_of_the_answer(
    document: str, terms: dict[tuple[Size, ...], int]
) -> None:
    assert {tuple(sorted(key)): n for key, n in cost_of(document).terms.items()} == {
        tuple(sorted(key)): n for key, n in terms.items()
    }


@pytest.mark.parametrize(
    ("sent", "length"),
    [
        ({}, 20),
        ({"n": None}, 20),
        ({"n": 0}, 0),
        ({"n": 1}, 1),
        ({"n": 100}, 100),
        ({"n": 101}, 100),  # refused by the field itself, with its own words
        ({"n": 10**30}, 100),
        ({"n": -5}, 0),
        ({"n": "7"}, 100),
        ({"n": True}, 100),
        ({"n": 1.5}, 100),
    ],
)
def test_a_variable_counts_with_the_value_that_was_sent(
    sent: dict[str, object], length: int
) -> None:
    assert FIRST.of(sent) == length
    assert Cost({(): 3, (FIRST,): 5, (FIRST, FIRST): 1}).of(sent) == 3 + 5 * length + length**2


@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=4),
    left_out=st.booleans(),
)
def test_nested_pages_cost_at_least_the_objects_that_they_hold(
    lengths: list[int], left_out: bool
) -> None:
    names = [f"v{n}" for n in range(len(lengths))]
    document = "name"
    for name in reversed(names):
        document = f"boxes(first: ${name}) {{ edges {{ node {{ {document} }} }} }}"
    head = ", ".join(f"${name}: Int" for name in names)
    cost = cost_of(f"query ({head}) {{ box {{ {document} }} }}")

    sent = {} if left_out else dict(zip(names, lengths, strict=True))
    objects, pages = 1, 1
    for length in [5] * len(lengths) if left_out else lengths:
        objects += pages + pages * length * 2
        pages *= length
    assert cost.of(sent) == objects


@pytest.mark.timeout(20)
def test_fragments_that_double_at_every_level_are_costed_at_once() -> None:
    limits = Limits(root_fields=2**120)
    document = reader(limits).read(doubling_fragments(120, "box { name }"))

    assert document.operation(None).cost.of({}) == 2**120


def test_every_weight_is_one_of_a_field_that_exists() -> None:
    schema = root.build()._schema

    for coordinate in (*weights.WEIGHTS, *weights.SIZES, *weights.PAGES):
        type_name, _, field = coordinate.partition(".")
        owner = schema.type_map[type_name]
        assert isinstance(owner, GraphQLObjectType), coordinate
        assert field in owner.fields, coordinate
