"""What a viewer may do."""

from __future__ import annotations

import pytest

from backend.core import errors, viewer

OPERATOR = viewer.Viewer(
    viewer.ActorKind.OPERATOR, actor="operator:5", permissions=frozenset({"stores.edit"})
)


def test_a_permission_that_the_viewer_has_is_granted() -> None:
    OPERATOR.require("stores.edit")

    assert OPERATOR.may("stores.edit")


def test_a_signed_in_viewer_without_the_permission_is_forbidden() -> None:
    with pytest.raises(errors.Forbidden) as refusal:
        OPERATOR.require("stores.import")

    assert refusal.value.data == {"permission": "stores.import"}
    assert not OPERATOR.may("stores.import")


def test_an_anonymous_viewer_is_asked_to_sign_in() -> None:
    with pytest.raises(errors.Unauthenticated):
        viewer.ANONYMOUS.require("stores.edit")


def test_the_system_may_do_everything() -> None:
    viewer.SYSTEM.require("anything.at.all")


def test_a_viewer_sees_no_part_of_the_country_unless_told() -> None:
    assert viewer.ANONYMOUS.scope == viewer.Scope(
        nation=False, province_codes=frozenset(), association_id=None
    )
    assert viewer.SYSTEM.scope == viewer.Scope(nation=True)
