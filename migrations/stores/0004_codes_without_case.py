"""Capital and small letters of a store's code count as the same, so that a code can stand there only once.

Codes that are stored stay as they are, because settlements are sealed for them; new ones come in capitals.
Where two stores have one code but for its letters, somebody has to decide, and nothing is changed.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_REFUSE_TWINS = """
DO $do$
DECLARE twins text;
BEGIN
    SELECT string_agg(codes, '; ') INTO twins FROM (
        SELECT string_agg(code, ', ' ORDER BY code) AS codes
          FROM store GROUP BY upper(code) HAVING count(*) > 1 ORDER BY 1 LIMIT 20
    ) AS groups;
    IF twins IS NOT NULL THEN
        RAISE EXCEPTION 'codes of stores that differ only in capital and small letters: %', twins
        USING HINT = 'Give all but one of each another code, and migrate again; docs/stores-file.md says how.';
    END IF;
END
$do$
"""
_FORWARD = [_REFUSE_TWINS, "CREATE UNIQUE INDEX store_code_in_capitals ON store (upper(code))"]
_BACKWARD = ["DROP INDEX store_code_in_capitals"]


class Migration(migrations.Migration):
    dependencies = [("stores", "0003_favourites")]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
