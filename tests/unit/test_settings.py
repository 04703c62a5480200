"""The environment: what production refuses, and that a bad value is named and never shown."""

import base64
import json

import pytest

from backend import settings
from backend.settings import SettingsInvalid

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
SAFE = {
    "BASHGAH_ENV": "production",
    "BASHGAH_DATABASE_URL": "postgresql://club@db.example/club",
    "BASHGAH_CACHE_URL": "redis://cache.example/0",
    "BASHGAH_SEALING_KEYS": json.dumps({"2026-11": KEY}),
    "BASHGAH_SEALING_KEY_CURRENT": "2026-11",
    "BASHGAH_SEALING_INDEX_KEY": OTHER_KEY,
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
        ("BASHGAH_LOG_LEVEL", "DEBUG"),
        (
            "BASHGAH_SEALING_KEYS",
            json.dumps({"2026-11": KEY, "development": settings.DEVELOPMENT_KEY}),
        ),
        ("BASHGAH_SEALING_INDEX_KEY", settings.DEVELOPMENT_INDEX_KEY),
        ("BASHGAH_SEALING_INDEX_KEY", None),
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
        if name not in {"BASHGAH_ENV", "BASHGAH_SEALING_KEY_CURRENT"}:
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
        ("BASHGAH_SEALING_KEYS", "no-json-secret"),
        ("BASHGAH_SEALING_KEYS", '["secret"]'),
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

    assert KEY not in repr(settings.load())


def test_what_is_given_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BASHGAH_PORT", "9000")

    assert settings.load().port == 9000
    assert settings.load(port=0).port == 0


@pytest.mark.parametrize("name", ["cache_url", "introspection", "graphiql", "log_json"])
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
