"""Migrations of debts over rows that were written before them."""

from collections.abc import Iterator

import asyncpg
import pytest

from backend.infra import migrations
from tests.support.servers import TestPostgres

_MEMBER = """
    INSERT INTO member (national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
                        name_sort_key, birth_date, pension_number, pension_kind, province_code)
    VALUES ('', 'k', 'i', 'ن', 'ن', 'k', '1950-01-01', '1', 'RETIREMENT', 'IR-07')
"""
_LOAN = """
    INSERT INTO plan (member_id, kind, principal_rials, fee_rials, paid_rials)
    SELECT id, 'LOAN', 300, 20, 0 FROM member
"""
# As it was: fees and parts of the principal counted apart.
_APART = """
    INSERT INTO instalment (plan_id, member_id, kind, number, due_month, amount_rials)
    SELECT p.id, p.member_id, i.kind, number, month, 100
      FROM plan p, (VALUES ('FEE', 1, 140507), ('PRINCIPAL', 1, 140508), ('PRINCIPAL', 2, 140509),
                           ('FEE', 2, 140510), ('PRINCIPAL', 3, 140511)) i (kind, number, month)
"""
_BEFORE_DEDUCTIONS = (
    "ALTER TABLE plan DROP CONSTRAINT plan_settled",
    "ALTER TABLE instalment DROP CONSTRAINT instalment_number",
    "ALTER TABLE instalment ADD CONSTRAINT instalment_number UNIQUE (plan_id, kind, number)",
    "ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_of_member",
    "DROP TRIGGER account_permanent ON account",
    "DROP FUNCTION account_is_permanent",
    "DELETE FROM tortoise_migrations WHERE app = 'deductions' AND name = '0003_numbers_and_guards'",
)
_APPLICATIONS = """
    WITH made AS (
        INSERT INTO loan_round (title, amount_rials, months, opens_at, closes_at, selection, budget_rials)
        SELECT title, 1, 1, '2026-01-01', '2026-01-02', 'SCORE', 1
          FROM unnest(ARRAY['عضو', 'کانون بازنشستگان', 'member']) title RETURNING id, title
    )
    INSERT INTO loan_application (member_id, round_id, amount_rials, submitted_by)
    SELECT m.id, made.id, 1, made.title FROM made, member m
"""
_BEFORE_LOANS = (
    "ALTER TABLE loan_application DROP CONSTRAINT loan_application_submitter",
    "DELETE FROM tortoise_migrations WHERE app = 'loans' AND name = '0003_submitters'",
)


@pytest.fixture
def url(postgres: TestPostgres, migrated_template: str) -> Iterator[str]:
    """A migrated database of its own."""
    name = postgres.create(template=migrated_template)
    yield postgres.url(name)
    postgres.drop(name)


async def run(url: str, *statements: str) -> list[asyncpg.Record]:
    """The rows of the last statement."""
    connection = await asyncpg.connect(url)
    try:
        found: list[asyncpg.Record] = []
        for statement in statements:
            found = await connection.fetch(statement)
        return found
    finally:
        await connection.close()


async def test_fees_and_principal_are_counted_by_their_months(url: str) -> None:
    await run(url, _MEMBER, *_BEFORE_DEDUCTIONS, _LOAN, _APART)

    assert await migrations.migrate(url) == ["deductions.0003_numbers_and_guards"]

    rows = await run(url, "SELECT kind, number, due_month FROM instalment ORDER BY due_month")
    assert [tuple(row) for row in rows] == [
        ("FEE", 1, 140507),
        ("PRINCIPAL", 2, 140508),
        ("PRINCIPAL", 3, 140509),
        ("FEE", 4, 140510),
        ("PRINCIPAL", 5, 140511),
    ]


async def test_who_submitted_becomes_one_of_two_words(url: str) -> None:
    await run(url, _MEMBER, *_BEFORE_LOANS, _APPLICATIONS)

    assert await migrations.migrate(url) == ["loans.0003_submitters"]

    rows = await run(url, "SELECT submitted_by FROM loan_application ORDER BY id")
    assert [row["submitted_by"] for row in rows] == ["member", "registrar", "member"]
