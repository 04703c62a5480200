"""What an app may say of its device."""

from __future__ import annotations

import pytest

from backend.access.domain import (
    DeviceGiven,
    DeviceInvalid,
    DevicePlatform,
    DeviceRegistration,
    PushProvider,
)
from backend.core.locale import Locale


def given(device_id: str = "device-1", name: str = "Pixel 9") -> DeviceGiven:
    return DeviceGiven(id=device_id, name=name, platform=DevicePlatform.ANDROID)


def registered(**changes: object) -> DeviceRegistration:
    fields: dict[str, object] = {
        "device_id": "device-1",
        "platform": DevicePlatform.IOS,
        "push_provider": PushProvider.APNS,
        "push_token": "token",
        "app_version": "2.4.0",
        "locale": Locale.FA,
        **changes,
    }
    return DeviceRegistration(**fields)  # type: ignore[arg-type]  # of the types above


@pytest.mark.parametrize("device_id", ["", " ", "a b", "a\n", "x" * 129, "دستگاه", "a\u200eb"])
def test_a_device_id_is_printable_ascii_of_128_characters_at_most(device_id: str) -> None:
    with pytest.raises(DeviceInvalid) as refused:
        given(device_id)
    assert refused.value.code == "BAD_USER_INPUT"
    assert refused.value.field == ("device", "id")


def test_ids_as_platforms_give_them_are_taken() -> None:
    for device_id in ("9774d56d682e549c", "E621E1F8-C36C-495A-93FC-0C247A3E6E5F", "x" * 128):
        assert given(device_id).id == device_id


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Pixel 9", "Pixel 9"),
        ("", ""),
        ("  گوشی\u202e\n  مادر ", "گوشی مادر"),
        ("x" * 100, "x" * 80),
        ("a\u0000b", "ab"),
    ],
)
def test_a_device_name_is_shown_on_one_line(name: str, shown: str) -> None:
    assert given(name=name).shown_name == shown


def test_a_device_may_be_known_and_not_reached() -> None:
    registration = registered(push_provider=PushProvider.NONE, push_token=None)

    assert registration.push_token is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"device_id": ""}, "deviceId"),
        ({"app_version": ""}, "appVersion"),
        ({"app_version": "x" * 33}, "appVersion"),
        ({"app_version": "2 4"}, "appVersion"),
        ({"push_token": ""}, "pushToken"),
        ({"push_token": "x" * 4097}, "pushToken"),
        ({"push_token": "a b"}, "pushToken"),
        ({"push_token": None}, "pushProvider"),
        ({"push_provider": PushProvider.NONE}, "pushProvider"),
    ],
)
def test_a_registration_of_another_form_is_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(DeviceInvalid) as refused:
        registered(**changes)
    assert refused.value.field == (field,)
