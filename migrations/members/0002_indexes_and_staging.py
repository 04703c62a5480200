"""What the models can't say: blind indexes, defaults made by the database, one open file, staging.

The tables of a staged file are unlogged: a crash of the server empties all of them together, and
the import then stages the file anew.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    "ALTER TABLE member ADD CONSTRAINT member_national_code UNIQUE (national_code_index)",
    """
    ALTER TABLE member ADD CONSTRAINT member_province
    FOREIGN KEY (province_code) REFERENCES province (code) ON DELETE RESTRICT
    """,
    # 154 of these 160 bits are drawn by PostgreSQL's strong generator; six are fixed by UUID's form.
    """
    ALTER TABLE member ALTER COLUMN club_secret
    SET DEFAULT substring(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) FROM 1 FOR 20)
    """,
    """
    CREATE UNIQUE INDEX membership_file_once ON membership_file (sha256) WHERE state <> 'ABANDONED'
    """,
    """
    CREATE UNIQUE INDEX membership_file_one_open ON membership_file ((true))
    WHERE state IN ('STAGING', 'UNUSUAL', 'MERGING')
    """,
    """
    CREATE UNLOGGED TABLE membership_chunk (
        file_id bigint NOT NULL,
        number integer NOT NULL,
        end_byte bigint NOT NULL,
        next_row integer NOT NULL,
        rows integer NOT NULL,
        problems integer NOT NULL,
        is_last boolean NOT NULL,
        PRIMARY KEY (file_id, number)
    )
    """,
    """
    CREATE UNLOGGED TABLE membership_row (
        file_id bigint NOT NULL,
        row_number integer NOT NULL,
        is_valid boolean NOT NULL,
        national_code_index bytea,
        pension_number text,
        national_code_sealed bytea,
        national_code_key_id text,
        first_name text,
        last_name text,
        name_sort_key text,
        birth_date date,
        pension_kind text,
        state text,
        province_code text,
        city text,
        branch_code text,
        association_code text,
        net_pension_rials bigint,
        other_deductions_rials bigint,
        iban_sealed bytea,
        iban_key_id text,
        iban_index bytea,
        phone text
    )
    """,
    "CREATE INDEX membership_row_by_national_code ON membership_row (national_code_index)",
    "CREATE INDEX membership_row_by_pension_number ON membership_row (pension_number)",
    """
    CREATE UNLOGGED TABLE membership_problem (
        file_id bigint NOT NULL,
        row_number integer NOT NULL,
        position smallint NOT NULL,
        column_name text NOT NULL,
        error_code text NOT NULL,
        message text NOT NULL,
        hint text NOT NULL
    )
    """,
    "CREATE INDEX membership_problem_by_row ON membership_problem (file_id, row_number, position)",
]
_BACKWARD = [
    "DROP TABLE membership_problem",
    "DROP TABLE membership_row",
    "DROP TABLE membership_chunk",
    "DROP INDEX membership_file_one_open",
    "DROP INDEX membership_file_once",
    "ALTER TABLE member ALTER COLUMN club_secret DROP DEFAULT",
    "ALTER TABLE member DROP CONSTRAINT member_province",
    "ALTER TABLE member DROP CONSTRAINT member_national_code",
]


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial"), ("organization", "0002_provinces")]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
