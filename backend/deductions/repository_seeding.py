"""Every statement by which the seed makes plans, instalments and movements out of staged plans."""

from backend.infra import db

_FEE_EVERY_MONTHS = 12
_STAGED = """
    CREATE TEMPORARY TABLE seed_plan (
        id bigint, member_id bigint, kind text, principal_rials bigint, fees bigint[], months smallint,
        first_month integer, paid_months smallint, arrears_rials bigint, paid_rials bigint, is_cancelled boolean,
        created_at timestamptz
    ) ON COMMIT DROP
"""
_PLANS = """
    INSERT INTO plan (id, member_id, kind, principal_rials, fee_rials, paid_rials, state, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, member_id, kind, principal_rials, (SELECT coalesce(sum(fee), 0) FROM unnest(fees) fee), paid_rials,
           CASE WHEN is_cancelled THEN 'CANCELLED' WHEN paid_months = months THEN 'CLOSED' ELSE 'RUNNING' END,
           created_at
      FROM seed_plan WHERE id >= $1 AND id < $2 ORDER BY id
"""
# The staged plans of some ids taken apart into their months, in order.
_MONTHS = f"""
    SELECT *, CASE WHEN n <= paid_months THEN amount_rials
                   WHEN n = paid_months + 1 THEN coalesce(arrears_rials, 0) ELSE 0 END AS paid_in_month
      FROM (
        SELECT p.id, p.member_id, p.created_at, p.paid_months, p.arrears_rials, p.is_cancelled, n,
               CASE WHEN is_fee THEN 'FEE' ELSE 'PRINCIPAL' END AS kind,
               (p.first_month + n - 1) / 12 * 100 + (p.first_month + n - 1) % 12 + 1 AS due_month,
               CASE WHEN is_fee THEN p.fees[1 + n / {_FEE_EVERY_MONTHS}]
                    WHEN n = p.first_principal THEN p.principal_rials - p.part * (p.parts - 1)
                    ELSE p.part END AS amount_rials
          FROM (SELECT *, months - cardinality(fees) AS parts, 1 + least(1, cardinality(fees)) AS first_principal,
                       principal_rials / (months - cardinality(fees)) / 1000 * 1000 AS part
                  FROM seed_plan WHERE id >= $1 AND id < $2 ORDER BY id) p,
               generate_series(1, p.months) n,
               LATERAL (SELECT cardinality(p.fees) > 0 AND n % {_FEE_EVERY_MONTHS} = 1 AS is_fee) f
           ) parts
"""
_INSTALMENTS = f"""
    INSERT INTO instalment (plan_id, member_id, kind, number, due_month, amount_rials, paid_rials, state, failure)
    SELECT id, member_id, kind, n, due_month, amount_rials, paid_in_month,
           CASE WHEN is_cancelled THEN 'CANCELLED'
                WHEN paid_in_month = amount_rials THEN 'PAID'
                WHEN paid_in_month > 0 THEN 'PARTLY_PAID'
                WHEN n = paid_months + 1 AND arrears_rials = 0 THEN 'OVERDUE' ELSE 'PLANNED' END,
           CASE WHEN n = paid_months + 1 AND arrears_rials IS NOT NULL THEN 'AM04' END
      FROM ({_MONTHS}) i
"""
_COLLECTED = f"""
    INSERT INTO ledger_transfer (created_at, debit_account_id, credit_account_id, amount_rials, kind, plan_id,
                                 member_id)
    SELECT i.created_at + (29 * n - 28) * interval '1 day', d.id, c.id, paid_in_month, 'INSTALMENT_COLLECTED',
           i.id, member_id
      FROM ({_MONTHS}) i,
           (SELECT id FROM account WHERE code = 'bank_clearing') d,
           (SELECT id FROM account WHERE code = 'members_receivable') c
     WHERE paid_in_month > 0
"""
_LENT = """
    INSERT INTO ledger_transfer (created_at, debit_account_id, credit_account_id, amount_rials, kind, plan_id,
                                 member_id)
    SELECT p.created_at, d.id, c.id, t.amount_rials, t.kind, p.id, p.member_id
      FROM seed_plan p,
           LATERAL (VALUES
               (CASE p.kind WHEN 'LOAN' THEN 'LOAN_DISBURSED' ELSE 'PURCHASE_CONFIRMED' END,
                CASE p.kind WHEN 'LOAN' THEN 'loan_fund' ELSE 'stores_payable' END, p.principal_rials),
               ('LOAN_FEE_CHARGED', 'fee_income', (SELECT sum(fee)::bigint FROM unnest(p.fees) fee))
           ) t (kind, credited, amount_rials)
           JOIN account c ON c.code = t.credited, account d
     WHERE p.id >= $1 AND p.id < $2 AND t.amount_rials > 0 AND d.code = 'members_receivable'
     ORDER BY p.id
"""
_REFUNDED = """
    INSERT INTO ledger_transfer (created_at, debit_account_id, credit_account_id, amount_rials, kind, plan_id,
                                 member_id)
    SELECT p.created_at + interval '2 days', d.id, c.id, p.principal_rials, 'PURCHASE_REFUNDED', p.id, p.member_id
      FROM seed_plan p JOIN account d ON d.code = 'stores_payable' JOIN account c ON c.code = 'members_receivable'
     WHERE p.id >= $1 AND p.id < $2 AND p.is_cancelled ORDER BY p.id
"""


async def create_staging(connection: db.RawConnection) -> None:
    """Make the table that plans are staged in."""
    await connection.execute(_STAGED)


async def index_staging(connection: db.RawConnection) -> int:
    """Make the staged plans findable; gives the id beyond the last of them."""
    await connection.execute("CREATE INDEX ON seed_plan (id)")
    await connection.execute("ANALYZE seed_plan")
    return int(await connection.fetchval("SELECT coalesce(max(id) + 1, 1) FROM seed_plan"))


async def insert_plans(connection: db.RawConnection, *, first: int, beyond: int) -> tuple[int, int]:
    """Write the staged plans of these ids; gives how many instalments and movements they have."""
    await connection.execute(_PLANS, first, beyond)
    instalments = await connection.execute(_INSTALMENTS, first, beyond)
    lent = await connection.execute(_LENT, first, beyond)
    collected = await connection.execute(_COLLECTED, first, beyond)
    refunded = await connection.execute(_REFUNDED, first, beyond)
    return _rows(instalments), _rows(lent) + _rows(collected) + _rows(refunded)


def _rows(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[1])
