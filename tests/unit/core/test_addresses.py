"""Which addresses count as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import addresses


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("192.0.2.07", "unknown"),
        ("192.0.2.7:80", "192.0.2.7"),
        ("[2001:db8:1:2::7]:443", "2001:db8:1:2::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("club.example", "unknown"),
    ],
)
def test_addresses_that_count_as_one(address: str | None, group: str) -> None:
    assert addresses.group(address) == group


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_whole_network_of_64_bits_is_one(address: object, low_bits: int) -> None:
    first = type(address)(int(address) >> 64 << 64 | low_bits)  # type: ignore[call-overload,call-arg]  # an IPv6Address
    if first.ipv4_mapped is None and address.ipv4_mapped is None:  # type: ignore[attr-defined]
        assert addresses.group(str(first)) == addresses.group(str(address))


@given(st.text(max_size=60))
def test_any_text_has_a_group(text: str) -> None:
    assert addresses.group(text)


def test_a_network_that_somebody_may_own_counts_as_well() -> None:
    assert addresses.wider_groups("2001:db8:1:2ff::1") == ("2001:db8:1:200::/56", "2001:db8:1::/48")
    assert addresses.wider_groups("[2001:db8:1:2ff::1]:443") == addresses.wider_groups(
        "2001:db8:1:200::"
    )


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "club.example", None])
def test_other_addresses_are_of_no_wider_network(address: str | None) -> None:
    assert addresses.wider_groups(address) == ()
