"""What the seed writes of members: rows by COPY, of a database that holds no others."""

import io
from collections.abc import Sequence

from backend.infra import db, sealing
from backend.infra.sealing import Sealer
from backend.members import repository_seeding, seals
from backend.members.seed import numbers
from backend.members.seed.people import Person

TABLES = ("member",)

_NULL = "\\N"


async def count_foreign_members() -> int:
    """How many members no seed made."""
    return await repository_seeding.count_foreign(numbers.PENSION_PREFIX)


async def count_members() -> int:
    """How many members there are."""
    return await repository_seeding.count_members()


async def is_seeded(*, count: int, seed: int) -> bool:
    """Whether the first and the last member of such a seed are there."""
    sealer = sealing.current()
    ends = {number: numbers.national_code(number, seed) for number in (1, count)}
    return await repository_seeding.are_there(
        pension_numbers=[numbers.pension_number(number) for number in ends],
        indexes=[seals.national_code_index(code, sealer) for code in ends.values()],
    )


def rows_of(people: Sequence[Person], sealer: Sealer) -> bytes:
    """The members as COPY text, their national codes and IBANs sealed."""
    return "".join([_row(person, sealer) for person in people]).encode()


async def copy_members(connection: db.RawConnection, rows: bytes) -> None:
    """Write what `rows_of` gave; a member's id is the person's number."""
    await connection.copy_to_table(
        "member",
        columns=repository_seeding.COLUMNS,
        source=io.BytesIO(rows),
        format="text",
    )


def _row(person: Person, sealer: Sealer) -> str:
    index = seals.national_code_index(person.national_code, sealer)
    code = seals.seal_national_code(person.national_code, index=index, sealer=sealer)
    account = (_NULL, _NULL, _NULL)
    if person.iban is not None:
        sealed = seals.seal_iban(person.iban, index=index, sealer=sealer)
        account = (
            f"\\\\x{sealed.ciphertext.hex()}",
            sealed.key_id,
            f"\\\\x{seals.iban_index(person.iban, sealer).hex()}",
        )
    return (
        f"{person.number}\t\\\\x{code.ciphertext.hex()}\t{code.key_id}\t\\\\x{index.hex()}\t"
        f"{person.first_name}\t{person.last_name}\t{person.name_sort_key}\t{person.birth_date}\t"
        f"{person.pension_number}\t{person.pension_kind}\t{person.state}\t"
        f"{person.town.province_code}\t{person.town.name}\t{person.branch_code or _NULL}\t"
        f"{person.association_code or _NULL}\t"
        f"{_NULL if person.net_pension_rials is None else person.net_pension_rials}\t"
        f"{person.other_deductions_rials}\t{account[0]}\t{account[1]}\t{account[2]}\t"
        f"{person.phone or _NULL}\t{person.locale}\t{person.text_size}\n"
    )
