"""Settings of the club's own rules: credit, deductions, and the form of pension numbers."""

import re

from pydantic import BaseModel, Field, field_validator


class ClubSettings(BaseModel):
    """What the organization decides, and not the code."""

    credit_cap_rials: int = Field(
        default=500_000_000, ge=0, le=10**15, description="The highest credit limit of a member."
    )
    credit_pension_multiple: int = Field(
        default=3, ge=0, le=100, description="A credit limit is at most so many net pensions."
    )
    deduction_percent: int = Field(
        default=25,
        ge=0,
        le=100,
        description="What deductions may take of a net pension, in percent.",
    )
    credit_longest_months: int = Field(
        default=24,
        ge=1,
        le=60,
        description="The longest term that a member's credit is counted over, in months.",
    )
    cutoff_day: int = Field(
        default=20,
        ge=1,
        le=31,
        description="What is confirmed after this day of a Jalali month first falls due in the next one.",
    )
    pension_number_pattern: str = Field(
        default="[0-9]{6,12}",
        description="A regular expression that every pension number matches as a whole.",
    )

    @field_validator("pension_number_pattern")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error:
            raise ValueError("is no regular expression") from None
        return value
