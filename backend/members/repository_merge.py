"""Every query on a staged membership file and the members: what it would change, and its merge."""

from backend.infra import db

ALL_BUCKETS = 256  # a bucket is the first byte of the blind index

# A file freezes nobody and unfreezes nobody, and brings nobody back to life: an operator does.
_STATE = """
    CASE WHEN 'DECEASED' IN (m.state, s.state) THEN 'DECEASED'
         WHEN m.state = 'FROZEN' THEN 'FROZEN' ELSE s.state END
"""
# A staff-changed phone stands until the file says another number than the one that it said before the change.
_SAYS_NO_OTHER_PHONE = "(s.phone IS NULL OR s.phone = m.replaced_file_phone)"
_PHONE = f"CASE WHEN {_SAYS_NO_OTHER_PHONE} THEN m.phone ELSE s.phone END"
_REPLACED_FILE_PHONE = f"CASE WHEN {_SAYS_NO_OTHER_PHONE} THEN m.replaced_file_phone END"
# What a file does to a phone, for who decides about it and who is told.
RENUMBERED = "s.phone <> m.phone AND s.phone IS DISTINCT FROM m.replaced_file_phone"
PHONE_KEPT = "s.phone = m.replaced_file_phone"
_DIFFERS = f"""
    (m.first_name, m.last_name, m.name_sort_key, m.birth_date, m.pension_number, m.pension_kind, m.state,
     m.province_code, m.city, m.branch_code, m.association_code, m.net_pension_rials,
     m.other_deductions_rials, m.iban_index, m.phone, m.replaced_file_phone)
    IS DISTINCT FROM
    (s.first_name, s.last_name, s.name_sort_key, s.birth_date, s.pension_number, s.pension_kind, {_STATE},
     s.province_code, s.city, s.branch_code, s.association_code, s.net_pension_rials,
     s.other_deductions_rials, coalesce(s.iban_index, m.iban_index), {_PHONE}, {_REPLACED_FILE_PHONE})
"""
# Of a member `m`. A pension number tells something only where no national code can be read: many may have the same.
VANISHED = """
    m.state = 'ACTIVE'
    AND NOT EXISTS (SELECT FROM membership_row r
                     WHERE r.file_id = $1 AND r.national_code_index = m.national_code_index)
    AND NOT EXISTS (SELECT FROM membership_row r
                     WHERE r.file_id = $1 AND r.national_code_index IS NULL
                       AND r.pension_number = m.pension_number)
"""
# A death counts wherever the file tells it: a refused row `s` of a member `m` whatever a valid one says.
_REFUSED_DEATH = """
    NOT s.is_valid AND s.state = 'DECEASED' AND s.national_code_index = m.national_code_index
"""
_IN_BUCKET = "{0}.national_code_index >= $2 AND ($3::bytea IS NULL OR {0}.national_code_index < $3)"
_INSERTED = (
    "national_code_index, national_code_sealed, national_code_key_id, first_name, last_name, name_sort_key,"
    " birth_date, pension_number, pension_kind, state, province_code, city, branch_code, association_code,"
    " net_pension_rials, other_deductions_rials, iban_sealed, iban_key_id, iban_index, phone"
)


async def refuse_repeated(file_id: int, *, limit: int) -> list[tuple[int, int]]:
    """Refuse the valid rows of persons who are in an earlier valid row; once more, it refuses no other.

    Gives the first of them: their numbers, and those of the earlier rows.
    """
    rows = await db.fetch(
        """
        WITH repeated AS (
            SELECT national_code_index, min(row_number) AS first FROM membership_row
             WHERE file_id = $1 AND is_valid GROUP BY national_code_index HAVING count(*) > 1
        ), refused AS (
            UPDATE membership_row r SET is_valid = false FROM repeated d
             WHERE r.file_id = $1 AND r.is_valid AND r.national_code_index = d.national_code_index
               AND r.row_number > d.first
            RETURNING r.row_number, d.first
        )
        SELECT row_number, first FROM refused ORDER BY row_number LIMIT $2
        """,
        file_id,
        limit,
    )
    return [(row["row_number"], row["first"]) for row in rows]


async def count_changes(file_id: int) -> dict[str, int]:
    """What the staged file would change, before anything of it is merged.

    `vanished` are active members in no row, `stopped` those whose row says INACTIVE; `deceased` all who would be, and
    `deaths` those of them who are stored; `unpensioned` active members whose pension would be unknown.
    """
    in_file = await db.fetch_one(
        f"""
        SELECT count(*) AS rows, count(*) FILTER (WHERE NOT s.is_valid) AS invalid,
               count(*) FILTER (WHERE s.is_valid AND m.id IS NULL) AS created,
               count(*) FILTER (WHERE s.is_valid AND m.id IS NOT NULL AND {_DIFFERS}) AS changed,
               count(*) FILTER (WHERE s.is_valid AND s.state = 'DECEASED' AND m.id IS NULL) AS arrived_dead,
               count(*) FILTER (WHERE s.is_valid AND s.state = 'DECEASED' AND m.state <> 'DECEASED') AS deaths,
               count(*) FILTER (WHERE s.is_valid AND s.state = 'INACTIVE' AND m.state = 'ACTIVE') AS stopped,
               count(*) FILTER (WHERE s.is_valid AND m.state = 'ACTIVE' AND s.state = 'ACTIVE'
                                  AND m.net_pension_rials > 0
                                  AND coalesce(s.net_pension_rials, 0) = 0) AS unpensioned,
               count(*) FILTER (WHERE s.is_valid AND {RENUMBERED}) AS renumbered,
               count(*) FILTER (WHERE s.is_valid AND {PHONE_KEPT}) AS phones_kept
          FROM membership_row s LEFT JOIN member m USING (national_code_index)
         WHERE s.file_id = $1
        """,
        file_id,
    )
    stored = await db.fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE m.state = 'ACTIVE') AS active_before,
               (SELECT count(*) FROM member m WHERE {VANISHED}) AS vanished
          FROM member m
        """,
        file_id,
    )
    assert in_file is not None  # noqa: S101 - aggregates
    assert stored is not None  # noqa: S101
    counts = {name: int(value) for name, value in (*in_file.items(), *stored.items())}
    counts["deaths"] += await _count_refused_deaths(file_id)
    counts["deceased"] = counts["deaths"] + counts.pop("arrived_dead")
    counts["unchanged"] = counts["rows"] - counts["invalid"] - counts["created"] - counts["changed"]
    return counts


async def merge_buckets(file_id: int, first: int, beyond: int) -> list[int]:
    """Change, create and deactivate the members whose blind index begins with one of these bytes.

    Gives those who got another phone or are dead now, in the order of their ids.
    """
    bucket = (file_id, bytes([first]), None if beyond >= ALL_BUCKETS else bytes([beyond]))
    heard_of = await _change(bucket)
    await _create(bucket)
    heard_of |= await _bury(bucket)
    await db.execute(
        f"""
        UPDATE member m SET state = 'INACTIVE', state_changed_at = now(), changed_at = now()
         WHERE {_IN_BUCKET.format("m")} AND {VANISHED}
        """,
        *bucket,
    )
    return sorted(heard_of)


async def _change(bucket: tuple[object, ...]) -> set[int]:
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
                   phone = {_PHONE}, replaced_file_phone = {_REPLACED_FILE_PHONE}, changed_at = now()
              FROM membership_row s
             WHERE s.file_id = $1 AND s.is_valid AND s.national_code_index = m.national_code_index
               AND {_IN_BUCKET.format("m")} AND {_IN_BUCKET.format("s")} AND {_DIFFERS}
            RETURNING m.id, old.phone <> new.phone AS has_other_phone,
                      old.state <> 'DECEASED' AND new.state = 'DECEASED' AS is_dead_now
        )
        SELECT id FROM changed WHERE has_other_phone OR is_dead_now
        """,
        *bucket,
    )
    return {row["id"] for row in rows}


async def _create(bucket: tuple[object, ...]) -> None:
    await db.execute(
        f"""
        INSERT INTO member ({_INSERTED})
        SELECT {_INSERTED} FROM membership_row s
         WHERE s.file_id = $1 AND s.is_valid AND {_IN_BUCKET.format("s")}
           AND NOT EXISTS (SELECT FROM member m WHERE m.national_code_index = s.national_code_index)
         ORDER BY s.national_code_index
        """,
        *bucket,
    )


async def _bury(bucket: tuple[object, ...]) -> set[int]:
    """Record the deaths of which only refused rows tell; gives whose."""
    rows = await db.fetch(
        f"""
        UPDATE member m SET state = 'DECEASED', state_changed_at = now(), changed_at = now()
          FROM membership_row s
         WHERE s.file_id = $1 AND {_REFUSED_DEATH} AND m.state <> 'DECEASED' AND {_IN_BUCKET.format("s")}
        RETURNING m.id
        """,
        *bucket,
    )
    return {row["id"] for row in rows}


async def _count_refused_deaths(file_id: int) -> int:
    row = await db.fetch_one(
        f"""
        SELECT count(DISTINCT m.id) AS deaths FROM membership_row s JOIN member m ON {_REFUSED_DEATH}
         WHERE s.file_id = $1 AND m.state <> 'DECEASED'
           AND NOT EXISTS (SELECT FROM membership_row r
                            WHERE r.file_id = $1 AND r.is_valid AND r.state = 'DECEASED'
                              AND r.national_code_index = s.national_code_index)
        """,
        file_id,
    )
    assert row is not None  # noqa: S101 - an aggregate
    return int(row["deaths"])
