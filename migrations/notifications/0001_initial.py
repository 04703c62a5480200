"""The inbox: a table in monthly partitions (Gregorian, UTC), which no model can say."""

from tortoise import fields, migrations
from tortoise.fields.db_defaults import Now
from tortoise.migrations import operations as ops

_FIRST_YEAR, _LAST_YEAR = 2025, 2027

_TABLE = [
    """
    CREATE TABLE notice (
        id bigint GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL DEFAULT now(),
        member_id bigint NOT NULL,
        category varchar(20) NOT NULL,
        title varchar(120) NOT NULL,
        body varchar(1000) NOT NULL,
        deep_link varchar(300),
        read_at timestamptz,
        PRIMARY KEY (id, created_at),
        CONSTRAINT notice_member FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT,
        CONSTRAINT notice_category
            CHECK (category IN ('PURCHASE', 'INSTALMENT', 'LOAN', 'SECURITY', 'SERVICE', 'CAMPAIGN'))
    ) PARTITION BY RANGE (created_at)
    """,
    "CREATE INDEX notice_by_member ON notice (member_id, created_at DESC, id DESC)",
    "CREATE INDEX notice_by_category ON notice (member_id, category, created_at DESC, id DESC)",
    """
    CREATE INDEX notice_unread ON notice (member_id, created_at DESC, id DESC) WHERE read_at IS NULL
    """,
]


def _partitions(table: str) -> list[str]:
    months = [(y, m) for y in range(_FIRST_YEAR, _LAST_YEAR + 1) for m in range(1, 13)]
    ends = [*months[1:], (_LAST_YEAR + 1, 1)]
    return [
        f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT",
        *(
            f"CREATE TABLE {table}_y{year}m{month:02} PARTITION OF {table} FOR VALUES"
            f" FROM ('{year}-{month:02}-01 00:00:00+00') TO ('{end_year}-{end_month:02}-01 00:00:00+00')"
            for (year, month), (end_year, end_month) in zip(months, ends, strict=True)
        ),
    ]


class _KnowModel(ops.CreateModel):
    """Tells Tortoise of a model whose table SQL has made."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial")]

    initial = True

    operations = [
        ops.RunSQL([*_TABLE, *_partitions("notice")], reverse_sql="DROP TABLE notice"),
        _KnowModel(
            name="Notice",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                ("member_id", fields.BigIntField()),
                ("category", fields.CharField(max_length=20)),
                ("title", fields.CharField(max_length=120)),
                ("body", fields.CharField(max_length=1000)),
                ("deep_link", fields.CharField(null=True, max_length=300)),
                ("read_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "notice",
                "app": "notifications",
                "pk_attr": "id",
                "table_description": "A notice in a member's inbox.",
            },
            bases=["Model"],
        ),
    ]
