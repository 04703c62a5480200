"""Global ids of what belongs to nobody, and where a page stands."""

import pytest

from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.paging import Page
from schema import relay, root


def test_the_key_of_a_public_thing_is_read_from_its_id() -> None:
    assert relay.public_key(GlobalId("Store", 42).encode(), "Store") == 42


@pytest.mark.parametrize(
    "text",
    [
        GlobalId("StoreCategory", 42).encode(),
        GlobalId("Store", 42, member_id=7).encode(),  # names a member: no public thing does
        GlobalId("Store", 42).encode() + "=",
        GlobalId("Store", 42).encode() + "A",
        "Store:42",
        "42",
        "",
        "فروشگاه",
        "A" * 200,
    ],
)
def test_an_id_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidGlobalId):
        relay.public_key(text, "Store")


@pytest.mark.parametrize(
    "wrong",
    [
        GlobalId("Province", 1).encode(),
        GlobalId("Store", 1, member_id=7).encode(),
        "x",
    ],
)
async def test_a_node_of_no_type_of_the_schema_is_refused(wrong: str) -> None:
    result = await root.build().execute(
        "query ($id: ID!) { node(id: $id) { id } }", variable_values={"id": wrong}
    )

    [error] = result.errors or []
    assert result.data == {"node": None}
    assert isinstance(error.original_error, InvalidGlobalId)


@pytest.mark.parametrize(
    ("page", "after", "expected"),
    [
        (Page(("x", "y"), ("c1", "c2"), has_next=True), None, (True, False, "c1", "c2")),
        (Page(("x",), ("c1",), has_next=False), None, (False, False, "c1", "c1")),
        (Page(("z",), ("c3",), has_next=False), "c2", (False, True, "c3", "c3")),
        (Page((), (), has_next=False), None, (False, False, None, None)),
        (Page((), (), has_next=False), "c3", (False, True, None, None)),
    ],
)
def test_a_page_knows_its_ends_and_what_lies_around_it(
    page: Page[str], after: str | None, expected: tuple[bool, bool, str | None, str | None]
) -> None:
    info = relay.page_info(page, after=after)

    assert (
        info.has_next_page,
        info.has_previous_page,
        info.start_cursor,
        info.end_cursor,
    ) == expected
