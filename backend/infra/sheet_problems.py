"""What can be wrong about any sheet that is imported: its columns, a row, a cell. Slices add what is theirs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from backend.core.errors import BadUserInput, DomainError, sentences

MAX_NAMES_SHOWN = 5


class ColumnsMissing(BadUserInput):
    """The header lacks columns that every such file must have; a kind of file names its `document`."""

    code = "COLUMNS_MISSING"
    texts = sentences(
        fa="این ستون‌ها در پرونده نیست: {names}", en="These columns are missing: {names}"
    )
    hints = sentences(
        fa="ردیف نخست باید نام ستون‌ها باشد؛ نام‌ها در {document} آمده است.",
        en="The first row must hold the names of the columns, as {document} lists them.",
    )
    document: ClassVar[str]

    def __init__(self, *, names: str) -> None:
        super().__init__(names=names, document=self.document)


class ColumnsUnknown(BadUserInput):
    """The header names columns that such a file does not have; a kind of file names its `document`."""

    code = "COLUMNS_UNKNOWN"
    texts = sentences(fa="این ستون‌ها شناخته نشد: {names}", en="These columns are unknown: {names}")
    hints = sentences(
        fa="نام ستون را اصلاح کنید یا ستون را بردارید؛ نام‌ها در {document} آمده است.",
        en="Correct or remove them; {document} lists the names.",
    )
    document: ClassVar[str]

    def __init__(self, *, names: str) -> None:
        super().__init__(names=names, document=self.document)


class ColumnsRepeated(BadUserInput):
    """The header names a column twice, or the province by both of its codes."""

    code = "COLUMNS_REPEATED"
    texts = sentences(
        fa="این ستون‌ها بیش از یک بار آمده است: {names}",
        en="These columns stand there more than once: {names}",
    )
    hints = sentences(fa="از هر ستون تنها یکی بگذارید.", en="Leave one of each.")


class CellsMiscounted(BadUserInput):
    """A row has more or fewer cells than the header."""

    code = "CELLS_MISCOUNTED"
    texts = sentences(
        fa="این ردیف {cells} خانه دارد و باید {expected} خانه داشته باشد.",
        en="This row has {cells} cells and should have {expected}.",
    )
    hints = sentences(
        fa="متنی را که جداکننده دارد میان دو نقل‌قول بگذارید.",
        en="Put text that holds a delimiter between quotes.",
    )


class CellEmpty(BadUserInput):
    """A cell that must be filled is empty."""

    code = "CELL_EMPTY"
    texts = sentences(fa="این خانه نباید خالی باشد.", en="This cell must not be empty.")
    hints = sentences(fa="مقدار آن را بنویسید.", en="Fill it in.")


class TextTooLong(BadUserInput):
    """A text is longer than its column takes."""

    code = "TEXT_TOO_LONG"
    texts = sentences(
        fa="این متن باید حداکثر {most} نویسه باشد.", en="This text may have {most} characters."
    )
    hints = sentences(fa="متن را کوتاه کنید.", en="Shorten the text.")


class UnknownChoice(BadUserInput):
    """A cell holds none of the words that its column takes."""

    code = "UNKNOWN_CHOICE"
    texts = sentences(fa="این مقدار شناخته نشد.", en="This value is unknown.")
    hints = sentences(fa="یکی از این‌ها را بنویسید: {choices}", en="Write one of: {choices}")


class ProvinceUnknown(BadUserInput):
    """No province has this code or name."""

    code = "PROVINCE_UNKNOWN"
    texts = sentences(fa="چنین استانی وجود ندارد.", en="There is no such province.")
    hints = sentences(
        fa="نام فارسی استان یا کد ISO آن را مانند IR-07 بنویسید.",
        en="Write the Persian name of the province or its ISO code, such as IR-07.",
    )


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong, or with a warning only odd, about a cell; `column` is empty for a whole row."""

    column: str
    error: DomainError
    is_warning: bool = False


def listed(names: Iterable[str]) -> str:
    """Return the names for a sentence; of many the first."""
    shown = list(names)
    beyond = ", …" if len(shown) > MAX_NAMES_SHOWN else ""
    return ", ".join(shown[:MAX_NAMES_SHOWN]) + beyond
