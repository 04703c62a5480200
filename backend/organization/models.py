"""Tables of the organization: provinces and their roll-out, cities, branches, associations, holidays."""

from tortoise import fields
from tortoise.fields.db_defaults import Now
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model


class Province(Model):
    """One of the 31 provinces, and whether the club is open there. Rows come with the first migration."""

    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(
        max_length=5, unique=True
    )  # ISO 3166-2 as renumbered on 2020-11-24: "IR-07"
    code_before_2020 = fields.CharField(max_length=5, unique=True)
    geonames_admin1 = fields.CharField(max_length=2, unique=True)
    name_fa = fields.CharField(max_length=60)
    name_en = fields.CharField(max_length=60)
    sort_order = fields.SmallIntField(unique=True)  # in the Persian alphabet
    capital_fa = fields.CharField(max_length=60)
    capital_latitude = fields.FloatField()
    capital_longitude = fields.FloatField()
    south = fields.FloatField()
    north = fields.FloatField()
    west = fields.FloatField()
    east = fields.FloatField()
    open_for_members = fields.BooleanField(db_default=False)
    open_for_stores = fields.BooleanField(db_default=False)
    members_first_opened_at = fields.DatetimeField(null=True)

    class Meta:
        table = "province"
        constraints = (
            CheckConstraint(check="code ~ '^IR-[0-9]{2}$'", name="province_code_form"),
            CheckConstraint(check="south < north AND west < east", name="province_box"),
            CheckConstraint(
                check="NOT open_for_members OR members_first_opened_at IS NOT NULL",
                name="province_opening_is_dated",
            ),
        )


class City(Model):
    """A city and its centre, for whoever gives no place of their own. Rows come with a migration."""

    id = fields.BigIntField(primary_key=True)
    province_code = fields.CharField(max_length=5)
    name_fa = fields.CharField(max_length=80)
    name_en = fields.CharField(max_length=80)
    latitude = fields.FloatField()
    longitude = fields.FloatField()
    population = fields.IntField()

    class Meta:
        table = "city"
        constraints = (
            UniqueConstraint(fields=("province_code", "name_fa"), name="city_of_province"),
            CheckConstraint(
                check="latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180",
                name="city_place",
            ),
        )


class Branch(Model):
    """A branch of the social-security organization that serves members."""

    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=20, unique=True)
    name = fields.CharField(max_length=120)
    name_sort_key = fields.CharField(max_length=200)
    province_code = fields.CharField(max_length=5)
    city = fields.CharField(max_length=80)

    class Meta:
        table = "branch"


class Association(Model):
    """A pensioners' association (kanoon), with its own registrars and loan quota."""

    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=20, unique=True)
    name = fields.CharField(max_length=120)
    name_sort_key = fields.CharField(max_length=200)
    province_code = fields.CharField(max_length=5)
    city = fields.CharField(max_length=80)

    class Meta:
        table = "association"


class HolidayOverride(Model):
    """A day that the government declared a holiday, or took back, against the computed calendar."""

    id = fields.BigIntField(primary_key=True)
    on_date = fields.DateField(unique=True)
    is_holiday = fields.BooleanField()
    name = fields.CharField(max_length=120)
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:
        table = "holiday_override"
