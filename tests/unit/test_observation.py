"""What a process's settings make of its limits, its log and its figures."""

from ipaddress import ip_network

import pytest

from backend import composition, observation
from backend.infra import tracing
from backend.infra.request_limits import RequestLimits
from backend.settings import Settings
from backend.settings.observation import LOOPBACK
from tests.support import collector
from tests.support.api import production_settings


def test_development_shows_its_figures_to_this_machine_and_logs_every_request() -> None:
    settings = Settings()

    assert settings.metrics_readers == LOOPBACK
    assert settings.logs_every_request


def test_production_shows_nobody_and_logs_what_is_notable() -> None:
    settings = production_settings()

    assert settings.metrics_readers == ()
    assert not settings.logs_every_request


def test_what_is_set_wins() -> None:
    settings = production_settings(metrics_networks=("10.1.0.0/16",), access_log="all")

    assert settings.metrics_readers == (ip_network("10.1.0.0/16"),)
    assert settings.logs_every_request
    assert not Settings(access_log="notable").logs_every_request


def test_the_limits_are_those_of_the_settings() -> None:
    settings = Settings(
        account_requests_per_minute=1,
        address_requests_per_minute=0,
        client_requests_per_minute=3,
        client_names="bashgah-android kiosk",
        slow_milliseconds=250,
    )

    gate = observation.gate_of(settings, [])

    assert settings.request_limits() == RequestLimits(account=1, address=0, client=3)
    assert gate.allowances.keys() == {"account", "client"}
    assert gate.clients.of("kiosk", "1.0").name == "kiosk"
    assert gate.clients.of("bashgah-ios", "1.0").name == "other"
    assert gate.access_log.slow_seconds == 0.25


@pytest.mark.parametrize("name", ["a b\n", "A", "name_of_one", " x"])
def test_a_client_s_name_is_made_of_small_letters(name: str) -> None:
    with pytest.raises(ValueError, match="client_names"):
        Settings(client_names=name)


async def test_spans_are_on_while_a_collector_is_set() -> None:
    with collector.running() as received:
        async with composition.spans(Settings(tracing_url=received.url)):
            with tracing.job("stores.refresh"):
                pass
        assert tracing.tracer() is None

    assert [each.name for each in received.spans] == ["job stores.refresh"]


async def test_without_a_collector_there_are_no_spans() -> None:
    async with composition.spans(Settings()):
        assert tracing.tracer() is None
