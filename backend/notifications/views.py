"""What may be read of the own inbox in statements that answer JSON."""

from typing import Final

from backend.infra.readviews.views import Condition, Key, View

NOTICES: Final = View(
    table="notice",
    columns=frozenset(
        {"id", "member_id", "category", "title", "body", "deep_link", "created_at", "read_at"}
    ),
    owner="member_id",
    keys=(Key("created_at", "timestamptz"), Key("id", "bigint")),
    is_descending=True,
    partitioned_by="created_at",
    conditions={
        "unread": Condition("{row}.read_at IS NULL"),
        "category": Condition("{row}.category = {value}", "text"),
    },
)
