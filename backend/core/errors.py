"""Expected failures: each is a class with a stable code, one sentence and what to do next.

A slice defines its own classes beside its rules, with `code`, `texts` and `hints` as class
attributes written by `sentences`; the few general ones stand here. A code is declared once: only a
special case of a general class, such as one input's form, shares that class's code, because the
contract closes the set of codes at the top level of an answer.
"""

from __future__ import annotations

import string
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from backend.core import text
from backend.core.locale import Locale

if TYPE_CHECKING:
    from collections.abc import Mapping


def sentences(*, fa: str, en: str) -> Mapping[Locale, str]:
    """Return one sentence in both languages, as `texts` and `hints` of an error class want it."""
    return MappingProxyType({Locale.FA: fa, Locale.EN: en})


class DomainError(Exception):
    """A refusal that a caller must expect.

    `texts` and `hints` are format strings over the keyword data of the instance (plain names only,
    such as `{retry_after_seconds}`); numbers in Persian sentences get Persian digits. `field` is
    the path of the input that was refused, empty where no single one was. `str()` gives the code
    and the field alone, so that logs hold no personal data.
    """

    code: ClassVar[str]
    texts: ClassVar[Mapping[Locale, str]]
    hints: ClassVar[Mapping[Locale, str]]

    def __init__(self, *, field: tuple[str, ...] = (), **data: str | int) -> None:
        """Raise TypeError when a sentence needs data that is not given (a programming mistake)."""
        missing = placeholders(type(self)) - data.keys()
        if missing:
            raise TypeError(f"{type(self).__name__} needs {', '.join(sorted(missing))}")
        super().__init__()
        self.field = field
        self.data: dict[str, str | int] = data

    def __str__(self) -> str:
        return f"{self.code} ({'.'.join(self.field)})" if self.field else self.code

    def message(self, locale: Locale) -> str:
        """Return what was refused, in one sentence."""
        return render(self.texts[locale], self.data, locale)

    def hint(self, locale: Locale) -> str:
        """Return what to do next, in one sentence."""
        return render(self.hints[locale], self.data, locale)


class BadUserInput(DomainError):
    """An input is not of the form that was asked for; classes of single inputs inherit from it."""

    code = "BAD_USER_INPUT"
    texts = sentences(
        fa="ورودی درخواست درست نیست.",
        en="The input of the request is not valid.",
    )
    hints = sentences(
        fa="ورودی را اصلاح کنید و دوباره بفرستید.",
        en="Correct the input and send it again.",
    )

    def __init__(
        self,
        *,
        field: tuple[str, ...] = (),
        reason: Mapping[Locale, str] | None = None,
        **data: str | int,
    ) -> None:
        """Take, where the class's own text says too little, the `reason` in both languages."""
        super().__init__(field=field, **data)
        self._reason = reason

    def message(self, locale: Locale) -> str:
        """Return the given reason, or else the text of the class."""
        return super().message(locale) if self._reason is None else self._reason[locale]


class Unauthenticated(DomainError):
    """Nobody is signed in, and the request needs somebody."""

    code = "UNAUTHENTICATED"
    texts = sentences(
        fa="برای این کار باید وارد شوید.",
        en="You must be signed in to do this.",
    )
    hints = sentences(
        fa="وارد شوید و دوباره تلاش کنید.",
        en="Sign in and try again.",
    )


class Forbidden(DomainError):
    """The viewer lacks a permission."""

    code = "FORBIDDEN"
    texts = sentences(
        fa="اجازهٔ این کار را ندارید.",
        en="You are not allowed to do this.",
    )
    hints = sentences(
        fa="اگر به این کار نیاز دارید، دسترسی «{permission}» را از مدیر سامانه بخواهید.",
        en="If you need this, ask an administrator for the permission “{permission}”.",
    )

    def __init__(self, permission: str) -> None:
        super().__init__(permission=permission)


class NotFound(DomainError):
    """What was named does not exist, or not for this viewer; the two are never told apart."""

    code = "NOT_FOUND"
    texts = sentences(
        fa="چنین موردی پیدا نشد.",
        en="There is no such thing.",
    )
    hints = sentences(
        fa="فهرست را تازه کنید و دوباره انتخاب کنید.",
        en="Refresh the list and choose again.",
    )


class RateLimited(DomainError):
    """Too many requests; another is accepted after `retry_after_seconds`."""

    code = "RATE_LIMITED"
    texts = sentences(
        fa="تعداد درخواست‌ها بیش از اندازه است.",
        en="There were too many requests.",
    )
    hints = sentences(
        fa="پس از {retry_after_seconds} ثانیه دوباره تلاش کنید.",
        en="Try again after {retry_after_seconds} s.",
    )

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(DomainError):
    """A part that the request needs is out of order; nothing was changed."""

    code = "UNAVAILABLE"
    texts = sentences(
        fa="این خدمت اکنون در دسترس نیست و چیزی تغییر نکرد.",
        en="This service is not available now, and nothing was changed.",
    )
    hints = sentences(
        fa="پس از {retry_after_seconds} ثانیه دوباره تلاش کنید.",
        en="Try again after {retry_after_seconds} s.",
    )

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


def placeholders(error: type[DomainError]) -> frozenset[str]:
    """Return the names of all data that the sentences of an error class are made of."""
    formatter = string.Formatter()
    return frozenset(
        name
        for sentence in (*error.texts.values(), *error.hints.values())
        for _, name, _, _ in formatter.parse(sentence)
        if name is not None
    )


class _PersianFormatter(string.Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        shown = format(value, format_spec)
        return text.to_persian_number(shown) if isinstance(value, int) else shown


def render(sentence: str, data: Mapping[str, str | int], locale: Locale) -> str:
    """Return a sentence with its data; numbers in a Persian one get Persian digits."""
    if locale is Locale.FA:
        return _PersianFormatter().vformat(sentence, (), data)
    return sentence.format_map(data)
