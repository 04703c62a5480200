"""What the models can't say: extensions, the point on the unit sphere, search, and periods that never overlap."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE EXTENSION IF NOT EXISTS cube",
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    """
    ALTER TABLE store ADD CONSTRAINT store_province
    FOREIGN KEY (province_code) REFERENCES province (code) ON DELETE RESTRICT
    """,
    # The chord between two unit vectors grows with the distance on the sphere: an exact order, by an index.
    """
    ALTER TABLE store ADD COLUMN point cube NOT NULL GENERATED ALWAYS AS (
        cube(ARRAY[
            cos(radians(latitude)) * cos(radians(longitude)),
            cos(radians(latitude)) * sin(radians(longitude)),
            sin(radians(latitude))
        ])
    ) STORED
    """,
    "CREATE INDEX store_by_point ON store USING gist (point)",
    # Without a pending list, which after an import would make the planner prefer a sequential scan.
    """
    CREATE INDEX store_by_search_document ON store
    USING gin (search_document gin_trgm_ops) WITH (fastupdate = off)
    """,
    'CREATE INDEX store_by_name ON store (kind, name_sort_key COLLATE "C", id)',
    """
    ALTER TABLE store_opening_period ADD CONSTRAINT store_opening_period_disjoint
    EXCLUDE USING gist (
        store_id WITH =, weekday WITH =, int4range(opens_minute, closes_minute) WITH &&
    )
    """,
    """
    ALTER TABLE store_opening_exception_period ADD CONSTRAINT store_exception_period_disjoint
    EXCLUDE USING gist (exception_id WITH =, int4range(opens_minute, closes_minute) WITH &&)
    """,
    "CREATE INDEX store_settlement_by_iban ON store_settlement (iban_index)",
]
_BACKWARD = [
    "ALTER TABLE store DROP CONSTRAINT store_province",
    "DROP INDEX store_settlement_by_iban",
    "ALTER TABLE store_opening_exception_period DROP CONSTRAINT store_exception_period_disjoint",
    "ALTER TABLE store_opening_period DROP CONSTRAINT store_opening_period_disjoint",
    "DROP INDEX store_by_name",
    "DROP INDEX store_by_search_document",
    "ALTER TABLE store DROP COLUMN point",
]


class Migration(migrations.Migration):
    dependencies = [("stores", "0001_initial")]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
