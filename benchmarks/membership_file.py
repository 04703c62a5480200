"""Write a made-up membership file of any size: `python benchmarks/membership_file.py 3000000 /tmp/members.csv`.

The same number gives the same file. With `--later` it is the next month's: 2 % of the pensions differ,
0.1 % of the members vanished, 0.1 % died, 0.1 % have another phone, 0.3 % are new.

Branches and associations are made up, and a database does not know them: each such cell makes a warning.
`--branches` and `--associations` name files with the codes to take instead, one a line:
`psql -Atc 'SELECT code FROM branch' > /tmp/branches`.
"""

import argparse
import csv
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

FIRST_NAMES = (
    "علی",
    "محمد",
    "فاطمه",
    "زهرا",
    "حسین",
    "مریم",
    "رضا",
    "صدیقه",
    "احمد",
    "نرگس",
    "آسیه",
)
LAST_NAMES = ("احمدی", "رضایی", "محمدی", "کریمی", "موسوی", "جعفری", "پورحسینی", "چراغی", "گودرزی")
ENDINGS = ("", " نژاد", "‌زاده", " تهرانی", " شیرازی", " اصفهانی", "‌پور", "‌فر", " راد", " مقدم")
HEADER = (
    "national_code", "first_name", "last_name", "birth_date", "pension_number", "pension_kind", "state",
    "province", "city", "branch", "association", "net_pension_rials", "other_deductions_rials", "iban", "phone",
)  # fmt: skip
CITIES = {"IR-07": "شیراز", "IR-23": "تهران", "IR-10": "اصفهان", "IR-09": "مشهد", "IR-03": "تبریز"}
KINDS = ("RETIREMENT", "RETIREMENT", "RETIREMENT", "SURVIVOR", "DISABILITY")
BRANCHES = tuple(f"B{number}" for number in range(400))
ASSOCIATIONS = tuple(f"K{number}" for number in range(300))
MOVED = 2
BETTER_PAID = range(3, 23)
_FIRST_CODE = 1_000_000  # the first nine digits of the first member's national code


def national_code(number: int) -> str:
    """The valid national code of a made-up person."""
    digits = f"{_FIRST_CODE + number * 3:09}"
    remainder = sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
    return f"{digits}{remainder if remainder in (0, 1) else 11 - remainder}"


def iban(number: int) -> str:
    """The valid IBAN of a made-up account."""
    account = f"013{number:019}"
    return f"IR{98 - int(f'{account}182700') % 97:02}{account}"


class Draws:
    """A few numbers drawn for one person; seeding `random.Random` for each would take most of the time."""

    def __init__(self, number: int) -> None:
        self._left = int.from_bytes(blake2b(number.to_bytes(8, "big"), digest_size=32).digest())

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        self._left, drawn = divmod(self._left, count)
        return drawn

    def one_of(self, choices: tuple[str, ...]) -> str:
        """One of the choices."""
        return choices[self.below(len(choices))]


def rows(
    count: int,
    *,
    later: bool,
    branches: tuple[str, ...] = BRANCHES,
    associations: tuple[str, ...] = ASSOCIATIONS,
) -> Iterator[tuple[object, ...]]:
    """The members of the file."""
    new = count * 3 // 1000 if later else 0
    provinces = tuple(CITIES)
    for number in range(count + new):
        draws = Draws(number)
        fate = draws.below(1000)
        fate = fate if later and number < count else -1
        if fate == 0:
            continue
        province = draws.one_of(provinces)
        pension = (100 + draws.below(300)) * 1_000_000
        yield (
            national_code(number),
            draws.one_of(FIRST_NAMES),
            draws.one_of(LAST_NAMES) + draws.one_of(ENDINGS),
            f"13{10 + draws.below(40)}-{1 + draws.below(12):02}-{1 + draws.below(29):02}",
            f"{number + 10_000_000}",
            draws.one_of(KINDS),
            "DECEASED" if fate == 1 else "ACTIVE",
            province,
            CITIES[province],
            draws.one_of(branches),
            draws.one_of(associations),
            pension + (1_000_000 if fate in BETTER_PAID else 0),
            5_000_000 * (draws.below(4) == 0),
            iban(number),
            f"09{900_000_000 - number if fate == MOVED else 100_000_000 + number}",
        )


def _codes(path: str) -> tuple[str, ...]:
    return tuple(Path(path).read_text(encoding="utf-8").split())


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--later", action="store_true")
    parser.add_argument("--branches", type=_codes, default=BRANCHES)
    parser.add_argument("--associations", type=_codes, default=ASSOCIATIONS)
    arguments = parser.parse_args()
    with arguments.path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(
            rows(
                arguments.count,
                later=arguments.later,
                branches=arguments.branches,
                associations=arguments.associations,
            )
        )


if __name__ == "__main__":
    main()
