"""What operators find members by: phone, the beginning of the surname within a province or an association, and words.

All of it is made of the column that orders names already, so that no row is rewritten. `member_name_order` is the name
without spaces, with آ as ا: what begins with a surname stands together, in alphabetical order, however its parts are
joined. `member_name_pairs` has each word of a name, and each with its neighbour, behind the first two letters of
another word: two words that are frequent each are rare together.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    """
    CREATE FUNCTION member_name_order(sort_key text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(sort_key, ': ', ';')
    """,
    """
    CREATE FUNCTION member_name_pairs(sort_key text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        words text[] := (array_remove(string_to_array(translate(sort_key, ':', ';'), ' '), ''))[1:8];
        pairs text[] := '{}';
    BEGIN
        FOR beside IN 1 .. cardinality(words) LOOP
            FOR at IN 1 .. cardinality(words) LOOP
                CONTINUE WHEN at = beside;
                pairs := pairs || (left(words[beside], 2) || '|' || words[at]);
                CONTINUE WHEN at = cardinality(words) OR at + 1 = beside;
                pairs := pairs || (left(words[beside], 2) || '|' || words[at] || words[at + 1]);
            END LOOP;
        END LOOP;
        RETURN array_to_tsvector(pairs);
    END
    $$
    """,
    """
    CREATE INDEX member_by_name_in_province
    ON member (province_code, (member_name_order(name_sort_key) COLLATE "C"), id)
    """,
    """
    CREATE INDEX member_by_name_in_association
    ON member (association_code, (member_name_order(name_sort_key) COLLATE "C"), id)
    WHERE association_code IS NOT NULL
    """,
    # New entries wait in a list, so that an import takes 25 µs a member for it and not 55; a search reads all of the
    # list, which is why it is short.
    """
    CREATE INDEX member_by_name_pairs ON member
    USING gin (member_name_pairs(name_sort_key)) WITH (fastupdate = on, gin_pending_list_limit = 1024)
    """,
    "CREATE INDEX member_by_phone ON member (phone) WHERE phone IS NOT NULL",
]
_BACKWARD = [
    "DROP INDEX member_by_phone",
    "DROP INDEX member_by_name_pairs",
    "DROP INDEX member_by_name_in_association",
    "DROP INDEX member_by_name_in_province",
    "DROP FUNCTION member_name_pairs(text)",
    "DROP FUNCTION member_name_order(text)",
]


class Migration(migrations.Migration):
    dependencies = [("members", "0004_shared_pension_numbers")]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
