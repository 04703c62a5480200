"""The audit trail: two tables in monthly partitions (Gregorian, UTC), which no model can say."""

from tortoise import fields, migrations
from tortoise.fields.db_defaults import Now
from tortoise.migrations import operations as ops

_FIRST_YEAR, _LAST_YEAR = 2025, 2027

_TABLES = [
    """
    CREATE TABLE audit_entry (
        id bigint GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL DEFAULT now(),
        actor_kind varchar(20) NOT NULL,
        actor varchar(80) NOT NULL,
        subject_member_id bigint,
        action varchar(80) NOT NULL,
        object_type varchar(40) NOT NULL,
        object_id varchar(80) NOT NULL,
        before jsonb,
        after jsonb,
        reason varchar(500),
        trace_id varchar(64),
        PRIMARY KEY (id, created_at),
        CONSTRAINT audit_entry_actor_kind
            CHECK (actor_kind IN ('ANONYMOUS', 'MEMBER', 'OPERATOR', 'CASHIER', 'SYSTEM'))
    ) PARTITION BY RANGE (created_at)
    """,
    """
    CREATE INDEX audit_entry_by_member ON audit_entry (subject_member_id, created_at DESC, id DESC)
    WHERE subject_member_id IS NOT NULL
    """,
    """
    CREATE TABLE file_read (
        id bigint GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL DEFAULT now(),
        member_id bigint NOT NULL,
        reader_role varchar(40) NOT NULL,
        reader_office varchar(120) NOT NULL,
        actor varchar(80) NOT NULL,
        purpose varchar(500) NOT NULL,
        PRIMARY KEY (id, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    "CREATE INDEX file_read_by_member ON file_read (member_id, created_at DESC, id DESC)",
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
    initial = True

    operations = [
        ops.RunSQL(
            [*_TABLES, *_partitions("audit_entry"), *_partitions("file_read")],
            reverse_sql=["DROP TABLE file_read", "DROP TABLE audit_entry"],
        ),
        _KnowModel(
            name="AuditEntry",
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
                ("actor_kind", fields.CharField(max_length=20)),
                ("actor", fields.CharField(max_length=80)),
                ("subject_member_id", fields.BigIntField(null=True)),
                ("action", fields.CharField(max_length=80)),
                ("object_type", fields.CharField(max_length=40)),
                ("object_id", fields.CharField(max_length=80)),
                ("before", fields.JSONField(null=True)),
                ("after", fields.JSONField(null=True)),
                ("reason", fields.CharField(null=True, max_length=500)),
                ("trace_id", fields.CharField(null=True, max_length=64)),
            ],
            options={
                "table": "audit_entry",
                "app": "audit",
                "pk_attr": "id",
                "table_description": "Something that was done; holds no personal data.",
            },
            bases=["Model"],
        ),
        _KnowModel(
            name="FileRead",
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
                ("reader_role", fields.CharField(max_length=40)),
                ("reader_office", fields.CharField(max_length=120)),
                ("actor", fields.CharField(max_length=80)),
                ("purpose", fields.CharField(max_length=500)),
            ],
            options={
                "table": "file_read",
                "app": "audit",
                "pk_attr": "id",
                "table_description": "A read of a member's file by somebody else.",
            },
            bases=["Model"],
        ),
    ]
