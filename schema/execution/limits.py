"""How a refusal at a limit reads, and the limit on lists among the variables."""

from collections.abc import Mapping

from backend.core.errors import render, sentences
from backend.core.locale import Locale
from schema.errors import BadRequest
from schema.execution.policy import Limits

_BEYOND: Mapping[str, Mapping[Locale, str]] = {
    "depth": sentences(
        fa="عمق سند از {most} بیشتر است.", en="The document nests deeper than {most}."
    ),
    "aliases": sentences(
        fa="سند بیش از {most} نام مستعار دارد.", en="The document has more than {most} aliases."
    ),
    "directives": sentences(
        fa="سند بیش از {most} رهنمود دارد.", en="The document has more than {most} directives."
    ),
    "root_fields": sentences(
        fa="عملیات بیش از {most} فیلد ریشه دارد.",
        en="The operation has more than {most} root fields.",
    ),
    "list_items": sentences(
        fa="یک فهرست ورودی بیش از {most} مورد دارد.",
        en="A list of the input has more than {most} items.",
    ),
}


class BeyondLimit(BadRequest):
    """The document or its variables are larger than the limit of that name."""

    hints = sentences(
        fa="آن را در چند درخواست کوچک‌تر بفرستید.", en="Ask for it in several smaller requests."
    )

    def __init__(self, limit: str, most: int) -> None:
        super().__init__(most=most)
        self._limit = limit

    def message(self, locale: Locale) -> str:
        """Which limit, and where it lies."""
        return render(_BEYOND[self._limit][locale], self.data, locale)


def check_items(value: object, limits: Limits) -> None:
    """Raise BeyondLimit where a list within a JSON value is too long."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            if len(each) > limits.list_items:
                raise BeyondLimit("list_items", limits.list_items)
            waiting.extend(each)
