"""Documents: read once, kept within bounds, refused beyond the limits, one operation meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.locale import Locale
from schema import errors
from schema.execution import documents
from schema.execution.documents import Document, Kept, Refused
from schema.execution.policy import Limits
from tests.support.boxes import TWO, nested, reader

DOCUMENT = reader().read("{ __typename }")


def refusals(text: str, operation: str | None = None, **settings: object) -> list[str]:
    """The messages of a document that can't be run; none where it can."""
    try:
        reader(**settings).read(text).operation(operation)  # type: ignore[arg-type]  # of the caller
    except Refused as refused:
        shown = [errors.formatted(each, Locale.EN) for each in refused.errors]
        assert {each["extensions"]["code"] for each in shown} == {"BAD_REQUEST"}  # type: ignore[index]
        return [str(each["message"]) for each in shown]
    return []


def of_text(text: str) -> Document:
    return Document(text, DOCUMENT.ast)


def test_the_least_recently_used_document_makes_room() -> None:
    kept = Kept()
    for number in range(documents.KEPT_DOCUMENTS):
        kept.keep(of_text(f"{number}"))
    kept.find("0")

    kept.keep(of_text("one more"))

    assert len(kept.documents) == documents.KEPT_DOCUMENTS
    assert kept.find("1") is None
    assert kept.find("0") is not None
    assert kept.find("one more") is not None


def test_kept_documents_have_a_length_in_all() -> None:
    kept = Kept()
    long = [f"{n:0{documents.MAX_KEPT_CHARACTERS}}" for n in range(11)]
    assert documents.KEPT_CHARACTERS == 10 * documents.MAX_KEPT_CHARACTERS

    for text in long:
        kept.keep(of_text(text))

    assert list(kept.documents) == long[1:]
    assert kept.characters == documents.KEPT_CHARACTERS


def test_a_longer_document_is_forgotten() -> None:
    kept = Kept()
    longest = " " * documents.MAX_KEPT_CHARACTERS

    kept.keep(of_text(longest + " "))
    kept.keep(of_text(longest))

    assert list(kept.documents) == [longest]


@given(texts=st.lists(st.text(alphabet="ab", max_size=4), max_size=40))
def test_the_length_of_what_is_kept_is_always_known(texts: list[str]) -> None:
    kept = Kept()
    for text in texts:
        if kept.find(text) is None:
            kept.keep(of_text(text))

    assert kept.characters == sum(len(text) for text in kept.documents)
    assert set(kept.documents) == set(texts)


@pytest.mark.parametrize("padding", ["__typename ", "# a comment takes room too\n"])
def test_a_document_may_have_as_many_tokens_as_the_limit(padding: str) -> None:
    limited = Limits(tokens=10)
    too_many = ["Syntax Error: Document contains more than 10 tokens. Parsing aborted."]

    within = refusals("{ __typename " + padding * 7 + "}", limits=limited)
    beyond = refusals("{ __typename " + padding * 8 + "}", limits=limited)

    assert within == []
    assert beyond == too_many


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("{ box {", ["Syntax Error: Expected Name, found <EOF>."]),
        ("{ bax }", ["Cannot query field 'bax' on type 'Query'. Did you mean 'box'?"]),
        ("{ ...Missing }", ["Unknown fragment 'Missing'."]),
        (
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
            ["Cannot spread fragment 'A' within itself via 'B'."],
        ),
        ("subscription { x }", ["The subscription operation is not supported by the schema."]),
        (nested(13), ["The document nests deeper than 12."]),
    ],
)
def test_a_document_that_can_t_be_run_says_why(text: str, messages: list[str]) -> None:
    assert refusals(text) == messages


@pytest.mark.parametrize("opening", ["{ box ", "{ anyOf(names: ["])
def test_a_text_that_only_opens_is_refused_before_the_stack_ends(opening: str) -> None:
    [message] = refusals(opening * 300)

    assert message.startswith("Syntax Error")


@pytest.mark.parametrize(
    ("operation", "text", "name"),
    [
        ("A", TWO, "A"),
        ("B", TWO, "B"),
        (None, "query A { __typename }", "A"),
        (None, "{ __typename }", None),
    ],
)
def test_the_operation_that_is_meant_is_found(
    operation: str | None, text: str, name: str | None
) -> None:
    assert reader().read(text).operation(operation).name == name


@pytest.mark.parametrize(
    ("operation", "text", "message"),
    [
        (None, TWO, "Must provide operation name if query contains multiple operations."),
        ("C", TWO, "There is no operation of this name in the document."),
        ("", TWO, "There is no operation of this name in the document."),
        ("A", "{ __typename }", "There is no operation of this name in the document."),
    ],
)
def test_where_that_can_t_be_said_nothing_is_run(
    operation: str | None, text: str, message: str
) -> None:
    assert refusals(text, operation) == [message]


@pytest.mark.parametrize("text", ["type T { a: Int }", "schema { query: Q }"])
def test_a_document_without_operations_is_refused(text: str) -> None:
    assert refusals(text) != []


@pytest.mark.parametrize(
    "text", ["{ __schema { queryType { name } } }", '{ __type(name: "Box") { name } }']
)
def test_the_schema_is_shown_only_where_that_is_allowed(text: str) -> None:
    assert refusals(text) == []
    told = refusals(text, introspection=False)

    assert told
    assert all("introspection" in message.lower() for message in told)


def test_a_type_s_name_is_no_introspection() -> None:
    assert refusals("{ box { __typename } }", introspection=False) == []


@pytest.mark.parametrize(
    "text",
    ["{ bax { name } }", "{ box { nam } }", "{ box(sise: 1) { name } }", "{ ... on Bax { a } }"],
)
def test_without_introspection_nothing_is_suggested(text: str) -> None:
    assert "Did you mean" in " ".join(refusals(text))
    assert "Did you mean" not in " ".join(refusals(text, introspection=False))
