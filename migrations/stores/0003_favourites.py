"""The places that members keep at hand; the table of members is another slice's, so that SQL refers to it."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.db_defaults import Now
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import UniqueConstraint

_FORWARD = """
    ALTER TABLE store_favourite ADD CONSTRAINT store_favourite_member
    FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT
"""
_BACKWARD = "ALTER TABLE store_favourite DROP CONSTRAINT store_favourite_member"


class Migration(migrations.Migration):
    dependencies = [("stores", "0002_search_and_distance"), ("members", "0001_initial")]

    operations = [
        ops.CreateModel(
            name="StoreFavourite",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("member_id", fields.BigIntField()),
                (
                    "store",
                    fields.ForeignKeyField(
                        "stores.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "store_favourite",
                "app": "stores",
                "constraints": [
                    UniqueConstraint(fields=("member_id", "store_id"), name="store_favourite_once")
                ],
                "indexes": [
                    Index(fields=["member_id", "id"], name="store_favourite_in_order"),
                    Index(fields=["store_id"], name="store_favourite_by_store"),
                ],
                "pk_attr": "id",
                "table_description": "A place that a member keeps at hand. `member_id` refers to another slice's table, as `province_code` does.",
            },
            bases=["Model"],
        ),
        ops.RunSQL([_FORWARD], reverse_sql=[_BACKWARD]),
    ]
