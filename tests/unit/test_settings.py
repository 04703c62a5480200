"""The environment: what production refuses, and that a bad value is named and never shown."""

import base64
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import composition, settings
from backend.access import limits
from backend.access.limits import SignInLimits
from backend.infra import tokens
from backend.infra.sms import port
from backend.infra.sms.gateway import HttpOwnNumberCheck, HttpSender
from backend.infra.sms.lines import JsonLinesSender
from backend.infra.sms.template import Field, TemplateInvalid
from backend.members.file_cells import PENSION_NUMBER_PATTERN
from backend.purchases import service as purchases
from backend.purchases.credit import CreditPolicy
from backend.settings import SettingsInvalid, keys
from schema.execution.policy import Limits

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
SIGNING_KEY = base64.b64encode(b"s" * 32).decode()
AUDIT_KEY = base64.b64encode(b"a" * 32).decode()
SECRET = base64.b64encode(b"t" * 32).decode()
SMS_URL = "https://sms.example/send?key=password&to={to}&text={text}"
SAFE = {
    "BASHGAH_ENV": "production",
    "BASHGAH_DATABASE_URL": "postgresql://club@db.example/club",
    "BASHGAH_CACHE_URL": "redis://cache.example/0",
    "BASHGAH_SEALING_KEYS": json.dumps({"2026-11": KEY}),
    "BASHGAH_SEALING_KEY_CURRENT": "2026-11",
    "BASHGAH_SEALING_INDEX_KEY": OTHER_KEY,
    "BASHGAH_TOKEN_SIGNING_KEYS": json.dumps({"2026-11": SIGNING_KEY}),
    "BASHGAH_TOKEN_SIGNING_KEY_CURRENT": "2026-11",
    "BASHGAH_TOKEN_SECRETS": json.dumps({"2026-11": SECRET}),
    "BASHGAH_TOKEN_SECRET_CURRENT": "2026-11",
    "BASHGAH_AUDIT_SIGNING_KEYS": json.dumps({"2026-11": AUDIT_KEY}),
    "BASHGAH_AUDIT_SIGNING_KEY_CURRENT": "2026-11",
    "BASHGAH_TOKEN_ISSUER": "https://club.example",
    "BASHGAH_SMS_ROUTE": "http",
    "BASHGAH_SMS_URL": SMS_URL,
}
ALONE = {
    "BASHGAH_ENV",
    "BASHGAH_SEALING_KEY_CURRENT",
    "BASHGAH_TOKEN_SIGNING_KEY_CURRENT",
    "BASHGAH_TOKEN_SECRET_CURRENT",
    "BASHGAH_AUDIT_SIGNING_KEY_CURRENT",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable of the caller's shell."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"BASHGAH_{name.upper()}", raising=False)
    return monkeypatch


def test_development_needs_no_variable() -> None:
    loaded = settings.load()

    assert not loaded.is_production
    assert loaded.allows_introspection
    assert loaded.serves_graphiql
    assert not loaded.logs_json
    assert (loaded.host, loaded.port) == ("127.0.0.1", 8000)


def test_a_safe_production_environment_is_taken(environment: pytest.MonkeyPatch) -> None:
    for name, value in SAFE.items():
        environment.setenv(name, value)

    loaded = settings.load()

    assert loaded.is_production
    assert not loaded.allows_introspection
    assert not loaded.serves_graphiql
    assert loaded.logs_json
    sealed = loaded.sealer().seal("IR13", context="c")
    assert sealed.key_id == "2026-11"
    ring = loaded.key_ring()
    assert (ring.current, ring.issuer, ring.audience) == (
        "2026-11",
        "https://club.example",
        "bashgah",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASHGAH_DATABASE_URL", None),
        ("BASHGAH_DATABASE_URL", ""),
        ("BASHGAH_CACHE_URL", None),
        ("BASHGAH_CACHE_URL", ""),
        ("BASHGAH_EMBEDDED", "true"),
        ("BASHGAH_INTROSPECTION", "true"),
        ("BASHGAH_GRAPHIQL", "true"),
        ("BASHGAH_DOCUMENTS", '{"console":"any"}'),
        ("BASHGAH_COST_REPORT", "true"),
        ("BASHGAH_METRICS_NETWORKS", '["10.0.0.0/8","::/0"]'),
        ("BASHGAH_LOG_LEVEL", "DEBUG"),
        (
            "BASHGAH_SEALING_KEYS",
            json.dumps({"2026-11": KEY, "development": keys.DEVELOPMENT_KEY}),
        ),
        ("BASHGAH_SEALING_INDEX_KEY", keys.DEVELOPMENT_INDEX_KEY),
        ("BASHGAH_SEALING_INDEX_KEY", None),
        (
            "BASHGAH_TOKEN_SIGNING_KEYS",
            json.dumps({"2026-11": SIGNING_KEY, "old": tokens.DEVELOPMENT_SIGNING_KEY}),
        ),
        (
            "BASHGAH_TOKEN_SECRETS",
            json.dumps({"2026-11": SECRET, "old": tokens.DEVELOPMENT_SECRET}),
        ),
        (
            "BASHGAH_AUDIT_SIGNING_KEYS",
            json.dumps({"2026-11": AUDIT_KEY, "old": keys.DEVELOPMENT_AUDIT_KEY}),
        ),
        ("BASHGAH_TOKEN_ISSUER", None),
        ("BASHGAH_TOKEN_ISSUER", "http://club.example"),
        ("BASHGAH_SMS_ROUTE", None),
        ("BASHGAH_SMS_ROUTE", "lines"),
        ("BASHGAH_SMS_URL", "http://sms.example/send"),
        ("BASHGAH_OWNER_CHECK_URL", "http://owners.example/"),
    ],
)
def test_production_refuses_an_unsafe_value(
    environment: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    for each, safe in SAFE.items():
        environment.setenv(each, safe)
    if value is None:
        environment.delenv(name)
    else:
        environment.setenv(name, value)

    with pytest.raises(SettingsInvalid) as refused:
        settings.load()

    heading, *complaints = str(refused.value).splitlines()
    assert heading == "BASHGAH_ENV=production refuses:"
    assert [line.split()[0] for line in complaints] == [name]


def test_production_names_everything_at_once(environment: pytest.MonkeyPatch) -> None:
    unsafe = {
        "BASHGAH_ENV": "production",
        "BASHGAH_EMBEDDED": "1",
        "BASHGAH_INTROSPECTION": "1",
        "BASHGAH_GRAPHIQL": "1",
        "BASHGAH_LOG_LEVEL": "DEBUG",
    }
    for name, value in unsafe.items():
        environment.setenv(name, value)

    with pytest.raises(SettingsInvalid) as refused:
        settings.load()

    for name in (*unsafe, *SAFE):
        if name not in ALONE | {"BASHGAH_SMS_URL"}:
            assert f"\n  {name} " in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASHGAH_ENV", "prod-secret"),
        ("BASHGAH_PORT", "eighty-secret"),
        ("BASHGAH_PORT", "65536"),
        ("BASHGAH_PORT", "-1"),
        ("BASHGAH_DATABASE_POOL_MAX", "0"),
        ("BASHGAH_STATEMENT_TIMEOUT_MS", "1"),
        ("BASHGAH_CACHE_TIMEOUT_MS", "0"),
        ("BASHGAH_LOG_LEVEL", "secret"),
        ("BASHGAH_INTROSPECTION", "secret"),
        ("BASHGAH_BODY_LIMIT_BYTES", "10"),
        ("BASHGAH_DOCUMENTS", "no-json-secret"),
        ("BASHGAH_DOCUMENTS", '{"app":"secret"}'),
        ("BASHGAH_DOCUMENTS", '{"secret":"any"}'),
        ("BASHGAH_OPERATION_DEPTH", "0"),
        ("BASHGAH_OPERATION_SECONDS", "0"),
        ("BASHGAH_ANSWER_BYTES", "10"),
        ("BASHGAH_CORS_ORIGINS", '["secret"]'),
        ("BASHGAH_CORS_ORIGINS", '["*"]'),
        ("BASHGAH_CORS_ORIGINS", '["https://secret.example/"]'),
        ("BASHGAH_SEALING_KEYS", "no-json-secret"),
        ("BASHGAH_SEALING_KEYS", '["secret"]'),
        ("BASHGAH_TOKEN_SECRETS", "no-json-secret"),
        ("BASHGAH_TOKEN_ISSUER", ""),
        ("BASHGAH_TRUSTED_PROXIES", "-1"),
        ("BASHGAH_SIGN_IN_PHONE_CODES_PER_HOUR", "0"),
        ("BASHGAH_SIGN_IN_SYSTEM_TEXTS_PER_DAY", "secret"),
        ("BASHGAH_SUPPORT_PHONE", "021-secret"),
        ("BASHGAH_SMS_ROUTE", "secret"),
        ("BASHGAH_SMS_METHOD", "DELETE"),
        ("BASHGAH_SMS_HEADERS", '["secret"]'),
        ("BASHGAH_SMS_SUCCESS", "secret"),
        ("BASHGAH_SMS_TIMEOUT_SECONDS", "0"),
        ("BASHGAH_SMS_ATTEMPTS", "11"),
        ("BASHGAH_CREDIT_CAP_RIALS", "-1"),
        ("BASHGAH_DEDUCTION_PERCENT", "101"),
        ("BASHGAH_PENSION_NUMBER_PATTERN", "[secret"),
    ],
)
def test_a_bad_value_is_named_and_not_shown(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)

    with pytest.raises(SettingsInvalid) as refused:
        settings.load()

    assert str(refused.value).startswith(f"{name}: ")
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "secret!",
        "c2VjcmV0",
        base64.b64encode(b"s" * 31).decode(),
        base64.b64encode(b"s" * 33).decode(),
        "ﷺ",
    ],
)
def test_a_key_of_another_form_is_refused_and_not_shown(
    environment: pytest.MonkeyPatch, key: str
) -> None:
    for name, value in (
        ("BASHGAH_SEALING_INDEX_KEY", key),
        ("BASHGAH_SEALING_KEYS", json.dumps({"development": key})),
        ("BASHGAH_TOKEN_SIGNING_KEYS", json.dumps({"development": key})),
        ("BASHGAH_TOKEN_SECRETS", json.dumps({"development": key})),
        ("BASHGAH_AUDIT_SIGNING_KEYS", json.dumps({"development": key})),
        ("BASHGAH_AUDIT_PUBLIC_KEYS", json.dumps({"old": key})),
    ):
        environment.setenv(name, value)
        with pytest.raises(SettingsInvalid) as refused:
            settings.load()
        environment.delenv(name)
        assert not key or key not in str(refused.value)


def test_the_current_key_must_be_among_the_keys(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BASHGAH_SEALING_KEY_CURRENT", "2027-01")

    with pytest.raises(SettingsInvalid, match="sealing_key_current"):
        settings.load()


def test_keys_do_not_stand_in_the_settings_text(environment: pytest.MonkeyPatch) -> None:
    for name, value in SAFE.items():
        environment.setenv(name, value)

    shown = repr(settings.load())
    for secret in (KEY, OTHER_KEY, SIGNING_KEY, SECRET, AUDIT_KEY, "password"):
        assert secret not in shown


def test_what_is_given_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BASHGAH_PORT", "9000")

    assert settings.load().port == 9000
    assert settings.load(port=0).port == 0


@pytest.mark.parametrize(
    "name",
    [
        *("cache_url", "introspection", "graphiql", "log_json", "support_phone", "sms_url"),
        *("sms_json", "sms_success", "owner_check_url", "owner_check_json"),
    ],
)
def test_an_empty_value_of_what_may_be_left_out_is_none(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.setenv(f"BASHGAH_{name.upper()}", "")

    assert getattr(settings.load(), name) is None


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("BASHGAH_DATABASE_URL", "mysql://me:secret@db/bashgah"),
        ("BASHGAH_CACHE_URL", "cache:6379"),
    ],
)
def test_the_address_of_another_kind_of_server_is_refused_and_not_shown(
    environment: pytest.MonkeyPatch, name: str, url: str
) -> None:
    environment.setenv(name, url)

    with pytest.raises(SettingsInvalid) as refused:
        settings.load()

    assert str(refused.value).startswith(f"{name}: ")
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("BASHGAH_TOKEN_SIGNING_KEY_CURRENT", "2027-01", "current signing key"),
        ("BASHGAH_TOKEN_SECRET_CURRENT", "2027-01", "current secret"),
        ("BASHGAH_TOKEN_SECRETS", "{}", "current secret"),
        ("BASHGAH_AUDIT_SIGNING_KEY_CURRENT", "2027-01", "audit_signing_key_current"),
        ("BASHGAH_AUDIT_PUBLIC_KEYS", json.dumps({"k" * 41: SIGNING_KEY}), "40 characters"),
        (
            "BASHGAH_TOKEN_SECRETS",
            json.dumps({"development": SECRET, "old": SECRET}),
            "two places",
        ),
        ("BASHGAH_TOKEN_SIGNING_KEYS", json.dumps({"a b": SIGNING_KEY}), "current signing key"),
    ],
)
def test_keys_of_tokens_that_do_not_fit_are_refused(
    environment: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    environment.setenv(name, value)

    with pytest.raises(SettingsInvalid, match=why) as refused:
        settings.load()

    assert SECRET not in str(refused.value)


def test_a_gateway_needs_an_address(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BASHGAH_SMS_ROUTE", "http")

    with pytest.raises(SettingsInvalid, match="sms_url"):
        settings.load()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("BASHGAH_SMS_URL", "ftp://password@sms.example/", "https://"),
        ("BASHGAH_SMS_JSON", "{password", "JSON"),
        ("BASHGAH_SMS_METHOD", "GET", "body"),
    ],
)
def test_a_gateway_that_can_t_be_asked_is_refused_and_not_shown(
    environment: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    environment.setenv("BASHGAH_SMS_URL", SMS_URL)
    environment.setenv("BASHGAH_SMS_JSON", '{"key": "password"}')
    environment.setenv(name, value)

    with pytest.raises(SettingsInvalid, match=why) as refused:
        settings.load()

    assert "password" not in str(refused.value)


def test_the_gateways_are_as_the_settings_say(environment: pytest.MonkeyPatch) -> None:
    for name, value in {
        "BASHGAH_SMS_URL": "https://sms.example/send",
        "BASHGAH_SMS_HEADERS": '{"x-api-key": "password"}',
        "BASHGAH_SMS_FORM": '{"receptor": "{to_local}", "message": "{text}"}',
        "BASHGAH_SMS_SUCCESS": "return.status=200",
        "BASHGAH_OWNER_CHECK_URL": "https://owners.example/{phone}/{national_code}",
        "BASHGAH_OWNER_CHECK_METHOD": "GET",
    }.items():
        environment.setenv(name, value)

    loaded = settings.load()

    sms, owners = loaded.sms_endpoint(), loaded.owner_check_endpoint()
    assert sms is not None
    assert (sms.url, sms.method) == ("https://sms.example/send", "POST")
    assert sms.headers == {"x-api-key": "password"}
    assert sms.form_body == {"receptor": "{to_local}", "message": "{text}"}
    assert loaded.sms_success_answer() == (Field("return.status"), "200")
    assert owners is not None
    assert (owners.method, owners.places()) == ("GET", frozenset({"phone", "national_code"}))


class TestTheComposition:
    @pytest.fixture(autouse=True)
    def defaults_afterwards(self) -> Iterator[None]:
        yield
        composition.configure(settings.Settings())

    def test_the_defaults_are_those_of_the_rules(self) -> None:
        composition.configure(settings.load())

        assert limits.current() == SignInLimits()
        assert purchases._state.policies == {1: CreditPolicy()}
        assert settings.load().pension_number_pattern == PENSION_NUMBER_PATTERN

    def test_every_limit_is_a_setting(self, environment: pytest.MonkeyPatch) -> None:
        names = list(SignInLimits.__dataclass_fields__)
        for number, name in enumerate(names, start=1):
            environment.setenv(f"BASHGAH_SIGN_IN_{name.upper()}", str(number))

        composition.configure(settings.load())

        assert len(names) == 10
        assert limits.current() == SignInLimits(**dict(zip(names, range(1, 11), strict=True)))

    def test_the_credit_policy_is_a_setting(self, environment: pytest.MonkeyPatch) -> None:
        environment.setenv("BASHGAH_CREDIT_CAP_RIALS", "100000000")
        environment.setenv("BASHGAH_CREDIT_PENSION_MULTIPLE", "2")
        environment.setenv("BASHGAH_DEDUCTION_PERCENT", "20")

        composition.configure(settings.load())

        assert purchases._state.policies == {1: CreditPolicy(1, 100_000_000, 2, 20)}

    async def test_messages_are_lines_or_sent(
        self, environment: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        environment.setenv("BASHGAH_DATA_DIR", str(tmp_path / "data"))
        composition.configure_sms(settings.load())
        assert isinstance(port.sender(), JsonLinesSender)
        assert port.own_number_check() is None
        await port.sender().send(to="+989121234567", text="سلام", message_id="1")
        assert (tmp_path / "data" / "sms.jsonl").is_file()
        await port.close()

        environment.setenv("BASHGAH_SMS_ROUTE", "http")
        environment.setenv("BASHGAH_SMS_URL", SMS_URL)
        environment.setenv("BASHGAH_OWNER_CHECK_URL", "https://o.example/{phone}/{national_code}")
        composition.configure_sms(settings.load())
        assert isinstance(port.sender(), HttpSender)
        assert isinstance(port.own_number_check(), HttpOwnNumberCheck)
        await port.close()

    def test_a_gateway_that_is_not_told_the_text_is_refused(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        environment.setenv("BASHGAH_SMS_ROUTE", "http")
        environment.setenv("BASHGAH_SMS_URL", "https://sms.example/{to}")

        with pytest.raises(TemplateInvalid, match="missing places: text"):
            composition.configure_sms(settings.load())


@pytest.mark.parametrize(
    ("env", "documents", "closed"),
    [
        ("development", {}, set()),
        ("development", {"app": "trusted"}, {"app"}),
        ("production", {}, {"app", "console", "campaigns"}),
        ("production", {"console": "any"}, {"app", "campaigns"}),
    ],
)
def test_who_may_send_trusted_documents_only(
    env: str, documents: dict[str, str], closed: set[str]
) -> None:
    chosen = settings.Settings(env=env, documents=documents)  # type: ignore[arg-type]  # checked by pydantic

    assert set(chosen.closed_audiences) == closed


def test_the_limits_are_those_of_the_settings() -> None:
    names = [field.name for field in dataclasses.fields(Limits)]
    chosen = {
        f"operation_{name}" if name != "answer_bytes" else name: 2_000 + at
        for at, name in enumerate(names)
        if name != "seconds"
    }

    limits = settings.Settings(**chosen, operation_seconds=7.5).limits()  # type: ignore[arg-type]  # checked by pydantic

    assert settings.Settings().limits() == Limits()
    assert limits.seconds == 7.5
    assert [getattr(limits, name) for name in names if name != "seconds"] == list(chosen.values())
