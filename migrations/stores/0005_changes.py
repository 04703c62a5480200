"""A log of which stores changed, written by triggers in the transaction that changes them, and a word to who listens.

Each statement adds one row, so that writers never wait for each other. A reader asks for the rows whose transaction
was not visible in the snapshot of its last answer: what commits late is never missed. `store_ids` of NULL means all.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLE = """
CREATE TABLE store_change (
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    store_ids bigint[],
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
_INDEXES = [
    "CREATE INDEX store_change_by_transaction ON store_change (transaction_id)",
    "CREATE INDEX store_change_by_age ON store_change (noted_at)",
]
# The argument asks for the stores that a statement touched; without one it is all of them. Too many count as all.
_FUNCTION = """
CREATE FUNCTION note_store_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint[];
BEGIN
    IF TG_NARGS > 0 THEN
        EXECUTE format('SELECT array_agg(DISTINCT id) FROM (%s) AS t (id)', TG_ARGV[0]) INTO touched;
        IF touched IS NULL THEN
            RETURN NULL;
        END IF;
        IF cardinality(touched) > 1000 THEN
            touched := NULL;
        END IF;
    END IF;
    INSERT INTO store_change (store_ids) VALUES (touched);
    PERFORM pg_notify('store_change', '');
    RETURN NULL;
END
$$
"""
_OWN = "SELECT id FROM {rows}"
_PART = "SELECT store_id FROM {rows}"
_PERIOD = "SELECT e.store_id FROM {rows} r JOIN store_opening_exception e ON e.id = r.exception_id"
_CATEGORY = "SELECT s.id FROM {rows} r JOIN store s ON s.category_id = r.id"
_TOUCHED = {
    "store": _OWN,
    "store_opening_period": _PART,
    "store_opening_exception": _PART,
    "store_opening_exception_period": _PERIOD,
    "store_offer": _PART,
    "store_category": _CATEGORY,
}
_EVENTS = {
    "INSERT": ("NEW TABLE AS added", ("added",)),
    "UPDATE": ("OLD TABLE AS removed NEW TABLE AS added", ("removed", "added")),
    "DELETE": ("OLD TABLE AS removed", ("removed",)),
    "TRUNCATE": ("", ()),
}


def _triggers() -> list[str]:
    statements = []
    for table, touched in _TOUCHED.items():
        for event, (tables, names) in _EVENTS.items():
            asked = " UNION ".join(touched.format(rows=rows) for rows in names)
            referencing = f"REFERENCING {tables}" if asked else ""
            argument = f"'{asked}'" if asked else ""
            statements.append(
                f"CREATE TRIGGER {table}_{event.lower()}_noted AFTER {event} ON {table} {referencing}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION note_store_change({argument})"
            )
    return statements


_DROPS = [
    f"DROP TRIGGER {table}_{event.lower()}_noted ON {table}"
    for table in _TOUCHED
    for event in _EVENTS
]


class Migration(migrations.Migration):
    dependencies = [("stores", "0004_codes_without_case")]
    operations = [
        ops.RunSQL(
            [_TABLE, *_INDEXES, _FUNCTION, *_triggers()],
            reverse_sql=[*_DROPS, "DROP FUNCTION note_store_change", "DROP TABLE store_change"],
        )
    ]
