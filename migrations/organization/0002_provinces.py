"""The 31 provinces, all closed (an operator opens them one by one), and what refers to them by code."""

import csv
from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops

_INSERT = """
INSERT INTO province (
    code, code_before_2020, geonames_admin1, name_fa, name_en, sort_order, capital_fa,
    capital_latitude, capital_longitude, south, north, west, east
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_FLOATS_FROM = 7


def _rows() -> list[tuple[object, ...]]:
    text = Path(__file__).with_name("provinces.tsv").read_text(encoding="utf-8")
    return [
        (*row[:5], int(row[5]), row[6], *(float(cell) for cell in row[_FLOATS_FROM:]))
        for row in list(csv.reader(text.splitlines(), delimiter="\t"))[1:]
    ]


_FOREIGN_KEYS = [
    f"ALTER TABLE {table} ADD CONSTRAINT {table}_province"
    " FOREIGN KEY (province_code) REFERENCES province (code) ON DELETE RESTRICT"
    for table in ("branch", "association")
]


class Migration(migrations.Migration):
    dependencies = [("organization", "0001_initial")]
    operations = [
        ops.RunSQL(
            [(_INSERT, list(row)) for row in _rows()],
            reverse_sql="DELETE FROM province",
        ),
        ops.RunSQL(
            _FOREIGN_KEYS,
            reverse_sql=[
                "ALTER TABLE branch DROP CONSTRAINT branch_province",
                "ALTER TABLE association DROP CONSTRAINT association_province",
            ],
        ),
    ]
