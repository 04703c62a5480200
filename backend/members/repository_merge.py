"""Every query on a staged membership file and the members: what it would change, and its merge."""

from backend.infra import db

ALL_BUCKETS = 256  # a bucket is the first byte of the blind index

# The state after the file, as domain.state_after_file has it.
_STATE = """
    CASE WHEN 'DECEASED' IN (m.state, s.state) THEN 'DECEASED'
         WHEN m.state = 'FROZEN' THEN 'FROZEN' ELSE s.state END
"""
_DIFFERS = f"""
    (m.first_name, m.last_name, m.name_sort_key, m.birth_date, m.pension_number, m.pension_kind, m.state,
     m.province_code, m.city, m.branch_code, m.association_code, m.net_pension_rials,
     m.other_deductions_rials, m.iban_index, m.phone)
    IS DISTINCT FROM
    (s.first_name, s.last_name, s.name_sort_key, s.birth_date, s.pension_number, s.pension_kind, {_STATE},
     s.province_code, s.city, s.branch_code, s.association_code, s.net_pension_rials,
     s.other_deductions_rials, coalesce(s.iban_index, m.iban_index), coalesce(s.phone, m.phone))
"""
_VANISHED = """
    m.state = 'ACTIVE'
    AND NOT EXISTS (SELECT FROM membership_row r
                     WHERE r.file_id = $1 AND r.national_code_index = m.national_code_index)
    AND NOT EXISTS (SELECT FROM membership_row r
                     WHERE r.file_id = $1 AND r.pension_number = m.pension_number)
"""
_INSERTED = (
    "national_code_index, national_code_sealed, national_code_key_id, first_name, last_name, name_sort_key,"
    " birth_date, pension_number, pension_kind, state, province_code, city, branch_code, association_code,"
    " net_pension_rials, other_deductions_rials, iban_sealed, iban_key_id, iban_index, phone"
)


async def refuse_repeated(file_id: int, column: str, *, limit: int) -> list[tuple[int, int]]:
    """Refuse the valid rows whose value of a column is in an earlier valid row.

    Gives the first of them: their numbers, and those of the earlier rows.
    """
    rows = await db.fetch(
        f"""
        WITH repeated AS (
            SELECT {column} AS value, min(row_number) AS first FROM membership_row
             WHERE file_id = $1 AND is_valid GROUP BY {column} HAVING count(*) > 1
        ), refused AS (
            UPDATE membership_row r SET is_valid = false FROM repeated d
             WHERE r.file_id = $1 AND r.is_valid AND r.{column} = d.value AND r.row_number > d.first
            RETURNING r.row_number, d.first
        )
        SELECT row_number, first FROM refused ORDER BY row_number LIMIT $2
        """,
        file_id,
        limit,
    )
    return [(row["row_number"], row["first"]) for row in rows]


async def refuse_taken_pension_numbers(file_id: int, *, limit: int) -> list[int]:
    """Refuse the valid rows whose pension number is another member's; gives the first of them."""
    rows = await db.fetch(
        """
        WITH refused AS (
            UPDATE membership_row s SET is_valid = false FROM member m
             WHERE s.file_id = $1 AND s.is_valid AND m.pension_number = s.pension_number
               AND m.national_code_index <> s.national_code_index
            RETURNING s.row_number
        )
        SELECT row_number FROM refused ORDER BY row_number LIMIT $2
        """,
        file_id,
        limit,
    )
    return [row["row_number"] for row in rows]


async def list_revived(file_id: int, *, limit: int) -> list[int]:
    """The first rows of members who are stored as deceased and alive in the file."""
    rows = await db.fetch(
        """
        SELECT s.row_number FROM member m JOIN membership_row s USING (national_code_index)
         WHERE m.state = 'DECEASED' AND s.file_id = $1 AND s.is_valid AND s.state <> 'DECEASED'
         ORDER BY s.row_number LIMIT $2
        """,
        file_id,
        limit,
    )
    return [row["row_number"] for row in rows]


async def count_changes(file_id: int) -> dict[str, int]:
    """What the staged file would change, before anything of it is merged."""
    in_file = await db.fetch_one(
        f"""
        SELECT count(*) AS rows, count(*) FILTER (WHERE NOT s.is_valid) AS invalid,
               count(*) FILTER (WHERE s.is_valid AND m.id IS NULL) AS created,
               count(*) FILTER (WHERE s.is_valid AND m.id IS NOT NULL AND {_DIFFERS}) AS changed,
               count(*) FILTER (WHERE s.is_valid AND s.state = 'DECEASED'
                                  AND m.state IS DISTINCT FROM 'DECEASED') AS deceased,
               count(*) FILTER (WHERE s.is_valid AND s.phone <> m.phone) AS renumbered
          FROM membership_row s LEFT JOIN member m USING (national_code_index)
         WHERE s.file_id = $1
        """,
        file_id,
    )
    stored = await db.fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE m.state = 'ACTIVE') AS active_before,
               (SELECT count(*) FROM member m WHERE {_VANISHED}) AS vanished
          FROM member m
        """,
        file_id,
    )
    assert in_file is not None  # noqa: S101 - aggregates
    assert stored is not None  # noqa: S101
    counts = {name: int(value) for name, value in (*in_file.items(), *stored.items())}
    counts["unchanged"] = counts["rows"] - counts["invalid"] - counts["created"] - counts["changed"]
    return counts


async def merge_buckets(file_id: int, first: int, beyond: int) -> list[int]:
    """Change, create and deactivate the members whose blind index begins with one of these bytes.

    Gives those who got another phone or are dead now, in the order of their ids.
    """
    bounds = (bytes([first]), None if beyond >= ALL_BUCKETS else bytes([beyond]))
    in_bucket = (
        "{0}.national_code_index >= $2 AND ($3::bytea IS NULL OR {0}.national_code_index < $3)"
    )
    rows = await db.fetch(
        f"""
        WITH changed AS (
            UPDATE member m
               SET first_name = s.first_name, last_name = s.last_name, name_sort_key = s.name_sort_key,
                   birth_date = s.birth_date, pension_number = s.pension_number,
                   pension_kind = s.pension_kind, state = {_STATE},
                   state_changed_at = CASE WHEN {_STATE} = m.state THEN m.state_changed_at ELSE now() END,
                   province_code = s.province_code, city = s.city, branch_code = s.branch_code,
                   association_code = s.association_code, net_pension_rials = s.net_pension_rials,
                   other_deductions_rials = s.other_deductions_rials,
                   iban_sealed = CASE WHEN s.iban_index <> m.iban_index OR m.iban_index IS NULL
                                      THEN s.iban_sealed ELSE m.iban_sealed END,
                   iban_key_id = CASE WHEN s.iban_index <> m.iban_index OR m.iban_index IS NULL
                                      THEN s.iban_key_id ELSE m.iban_key_id END,
                   iban_index = coalesce(s.iban_index, m.iban_index),
                   phone = coalesce(s.phone, m.phone), changed_at = now()
              FROM membership_row s
             WHERE s.file_id = $1 AND s.is_valid AND s.national_code_index = m.national_code_index
               AND {in_bucket.format("m")} AND {in_bucket.format("s")} AND {_DIFFERS}
            RETURNING m.id, old.phone <> new.phone AS has_other_phone,
                      old.state <> 'DECEASED' AND new.state = 'DECEASED' AS is_dead_now
        )
        SELECT id FROM changed WHERE has_other_phone OR is_dead_now ORDER BY id
        """,
        file_id,
        *bounds,
    )
    await db.execute(
        f"""
        INSERT INTO member ({_INSERTED})
        SELECT {_INSERTED} FROM membership_row s
         WHERE s.file_id = $1 AND s.is_valid AND {in_bucket.format("s")}
           AND NOT EXISTS (SELECT FROM member m WHERE m.national_code_index = s.national_code_index)
         ORDER BY s.national_code_index
        """,
        file_id,
        *bounds,
    )
    await db.execute(
        f"""
        UPDATE member m SET state = 'INACTIVE', state_changed_at = now(), changed_at = now()
         WHERE {in_bucket.format("m")} AND {_VANISHED}
        """,
        file_id,
        *bounds,
    )
    return [row["id"] for row in rows]
