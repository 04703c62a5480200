"""What the tables of operators, cashiers and their sessions refuse, whoever writes to them."""

import asyncpg
import pytest

_OPERATOR = (
    "INSERT INTO operator (user_name, name, office, state, roles, scope_nation, created_by, password_hash,"
    " totp_sealed, totp_key_id, national_code_index) VALUES ('{0}', 'n', 'o', 'ACTIVE', '{{SUPPORT}}', true,"
    " 'system', '$argon2id$x', 'x', 'k', '\\x01')"
)
_SET_UP = (
    _OPERATOR.format("sara"),
    "INSERT INTO store_category (code, name_fa, name_en, sort_order) VALUES ('c', 'ج', 'c', 1)",
    (
        "INSERT INTO store (code, kind, name, name_sort_key, name_compact, category_id, province_code, city,"
        " address, latitude, longitude, search_document)"
        " SELECT 's', 'STORE', 'n', 'n', 'n', id, 'IR-07', 'c', 'a', 35, 51, 'd' FROM store_category"
    ),
    (
        "INSERT INTO cashier (store_id, user_name, name, state, password_hash, created_by)"
        " SELECT id, 'ali', 'n', 'ACTIVE', '$argon2id$x', 'operator:1' FROM store"
    ),
    (
        "INSERT INTO store_device (store_id, name, created_by, digest, enrolled_at)"
        " SELECT id, 'till', 'operator:1', '\\x01', now() FROM store"
    ),
    (
        "INSERT INTO staff_session (public_id, operator_id, device_id, device_name, created_at, last_seen_at,"
        " expires_at, generation, digests, made_at) SELECT gen_random_uuid(), id, 'd', '', now(), now(),"
        " now() + interval '12 hours', 0, ARRAY['x'::bytea], ARRAY[now()] FROM operator"
    ),
    (
        "INSERT INTO break_glass (operator_id, role, reason, began_at, ends_at)"
        " SELECT id, 'REGISTRAR', 'r', now(), now() + interval '4 hours' FROM operator"
    ),
    "INSERT INTO recovery_code (operator_id, digest) SELECT id, '\\x01' FROM operator",
)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE operator SET state = 'LOST'", "operator_state"),
        ("UPDATE operator SET roles = '{KING}'", "operator_roles"),
        ("UPDATE operator SET roles = '{}'", "operator_roles"),
        (
            "UPDATE operator SET roles = '{ADMINISTRATOR,FINANCE_OFFICER}'",
            "operator_no_money_for_administrators",
        ),
        (
            "UPDATE operator SET roles = '{ADMINISTRATOR,STORE_MANAGER}'",
            "operator_no_money_for_administrators",
        ),
        ("UPDATE operator SET roles = '{AUDITOR,SUPPORT}'", "operator_auditors_only_look"),
        ("UPDATE operator SET scope_nation = false", "operator_scope"),
        ("UPDATE operator SET scope_province_codes = '{IR-07}'", "operator_scope"),
        (
            "UPDATE operator SET scope_association_id = 77, scope_nation = false",
            "operator_association",
        ),
        ("UPDATE operator SET totp_key_id = NULL", "operator_seals"),
        ("UPDATE operator SET password_hash = NULL", "operator_secrets"),
        ("UPDATE operator SET password_hash = 'secret'", "operator_password"),
        (_OPERATOR.format("other"), "operator_of_person"),
        (
            "INSERT INTO recovery_code (operator_id, digest) SELECT id, '\\x01' FROM operator",
            "recovery_code_of_operator",
        ),
        (
            "UPDATE break_glass SET ends_at = began_at + interval '4 hours 1 second'",
            "break_glass_time",
        ),
        ("UPDATE break_glass SET role = 'ADMINISTRATOR'", "break_glass_role"),
        ("UPDATE store_device SET digest = NULL", "store_device_enrolment"),
        (
            "UPDATE store_device SET code_digest = 'x', code_expires_at = now()",
            "store_device_enrolment",
        ),
        ("UPDATE cashier SET state = 'LOST'", "cashier_state"),
        ("UPDATE cashier SET password_hash = 'secret'", "cashier_password"),
        (
            (
                "INSERT INTO cashier (store_id, user_name, name, state, password_hash, created_by)"
                " SELECT store_id, user_name, name, state, password_hash, created_by FROM cashier"
            ),
            "cashier_user_name",
        ),
        ("UPDATE cashier SET store_id = 77", "cashier_store"),
        ("UPDATE store_device SET store_id = 77", "store_device_store"),
        ("UPDATE staff_session SET operator_id = NULL", "staff_session_holder"),
        ("UPDATE staff_session SET store_device_id = 1", "staff_session_holder"),
        (
            "UPDATE staff_session SET expires_at = created_at + interval '13 hours'",
            "staff_session_life",
        ),
        ("UPDATE staff_session SET digests = '{}'", "staff_session_generations"),
        ("UPDATE staff_session SET ended_at = now()", "staff_session_end"),
        ("UPDATE staff_session SET ended_at = now(), end_reason = 'X'", "staff_session_end"),
    ],
)
async def test_the_database_repeats_the_invariants(
    database_url: str, statement: str, constraint: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for each in _SET_UP:
            await connection.execute(each)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await connection.execute(statement)
    finally:
        await connection.close()

    assert refused.value.constraint_name == constraint
