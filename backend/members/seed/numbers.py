"""Numbers of invented members: national codes and IBANs that pass their formulas, and telephones.

Nobody's on purpose, but a national code of the right form may be a real person's. No operator is known
to us to have the telephones +98 960… to +98 979…, so that no message reaches a stranger.
"""

from operator import mul

PENSION_PREFIX = "SEED-"

_CODES = 1_000_000_000  # the first nine digits
_STRIDE = 618_033_989  # odd and no multiple of 5: every body comes once
_SEED_STRIDE = 7_654_321
_PHONES = 200_000_000
_PHONE_STRIDE = 123_456_791
_FIRST_PHONE = 9_600_000_000
_BANK = "013"
_ALL_EQUAL = 111_111_111
_PLACES = range(10, 1, -1)


def national_code(number: int, seed: int) -> str:
    """The code of the member of this number, another for each of a billion; its last digit is the check digit."""
    body = (number * _STRIDE + seed * _SEED_STRIDE) % _CODES
    if (
        body % _ALL_EQUAL == 0
    ):  # ten equal digits are refused although they pass; ten bodies of a billion
        body = (body + 1) % _CODES
    digits = f"{body:09}"
    remainder = sum(map(mul, map(int, digits), _PLACES)) % 11
    return f"{digits}{remainder if remainder in (0, 1) else 11 - remainder}"


def iban(number: int, seed: int) -> str:
    """An account at the pensions' bank, with the check digits of ISO 7064 mod 97-10."""
    account = f"{_BANK}{(seed % 97) * 10**12 + number:019}"
    return f"IR{98 - int(f'{account}182700') % 97:02}{account}"


def phone(number: int, seed: int) -> str:
    """A mobile number in E.164, another for each of 200 million."""
    return f"+98{_FIRST_PHONE + (number * _PHONE_STRIDE + seed) % _PHONES}"


def pension_number(number: int) -> str:
    """The number by which the seed knows its own members."""
    return f"{PENSION_PREFIX}{number:08}"
