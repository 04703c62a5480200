"""The demo's staff: their secrets are one folder's own, kept for its owner alone, and shown in the panel."""

import stat
from pathlib import Path

import pytest

from backend import demo_files
from backend.access import seeding
from backend.demo_files import DemoStaff
from tests.unit.test_demo_member import panel

STAFF = DemoStaff("ABCD-EFGH-JKMN-PQRS", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "it's 1", "till-1")


def test_the_noted_secrets_are_found_again_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    demo_files.write_staff(tmp_path, STAFF)

    assert demo_files.find_staff(tmp_path) == STAFF
    totp = demo_files.totp_file(tmp_path)
    assert totp.read_text() == f"{STAFF.totp_secret}\n"
    for file in (tmp_path / "demo-staff", totp):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_are_never_the_same_and_never_shown_by_accident() -> None:
    one, other = seeding.new_secrets(), seeding.new_secrets()

    assert not {one.password, one.totp_secret, one.device_id} & {
        other.password,
        other.totp_secret,
        other.device_id,
    }
    assert one.password not in repr(one)
    assert STAFF.password not in repr(STAFF)


def test_the_panel_shows_who_may_sign_in_and_by_what(tmp_path: Path) -> None:
    demo_files.write_staff(tmp_path, STAFF)
    shown = " ".join(panel(tmp_path).replace("│", " ").split())

    for name in seeding.OPERATORS:
        assert name in shown
    assert f"password {STAFF.password}" in shown
    assert f"bashgah operator code < '{tmp_path / 'demo-totp'}'" in shown
    assert f"{seeding.CASHIER} of store {STAFF.store_code}" in shown


@pytest.mark.parametrize("label", ["Operators", "One-time", "Cashier", "Till"])
def test_without_a_staff_the_panel_names_none(tmp_path: Path, label: str) -> None:
    assert demo_files.find_staff(tmp_path) is None
    assert label not in panel(tmp_path)
