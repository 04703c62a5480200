"""Why a seed of members writes nothing."""

from backend.core.errors import BadUserInput, DomainError, sentences


class ForeignMembers(DomainError):
    """The database has members that no seed made: invented ones must never mix with them."""

    code = "FOREIGN_MEMBERS"
    texts = sentences(
        fa="این پایگاه داده {members} عضو دارد که دادهٔ نمونه نیستند؛ چیزی نوشته نشد.",
        en="This database has {members} members that are not sample data; nothing was written.",
    )
    hints = sentences(
        fa="دادهٔ نمونه را در پایگاه دادهٔ خالی دیگری بریزید (BASHGAH_DATABASE_URL).",
        en="Seed another, empty database (BASHGAH_DATABASE_URL).",
    )

    def __init__(self, members: int) -> None:
        super().__init__(members=members)


class OtherSeed(DomainError):
    """The database has members of another seed, or another number of them."""

    code = "OTHER_SEED"
    texts = sentences(
        fa="این پایگاه داده {members} عضو نمونهٔ دیگر دارد؛ چیزی نوشته نشد.",
        en="This database has {members} sample members of another seed or number; nothing was written.",
    )
    hints = sentences(
        fa="پایگاه دادهٔ خالی دیگری بسازید و دوباره اجرا کنید.",
        en="Make another, empty database and run it again.",
    )

    def __init__(self, members: int) -> None:
        super().__init__(members=members)


class NoStores(DomainError):
    """There are no stores that members could buy in."""

    code = "NO_STORES"
    texts = sentences(
        fa="فروشگاهی نیست که اعضا از آن خرید کنند؛ چیزی نوشته نشد.",
        en="There are no stores for members to buy in; nothing was written.",
    )
    hints = sentences(
        fa="نخست فروشگاه‌ها را بسازید: bashgah seed --stores 1500",
        en="Make the stores first: bashgah seed --stores 1500",
    )


class TooMany(BadUserInput):
    """More members or purchases than a seed makes, or none."""

    texts = sentences(
        fa="۱ تا {members} عضو و تا {purchases} خرید ساخته می‌شود.",
        en="1 to {members} members and up to {purchases} purchases are made.",
    )
    hints = sentences(fa="شمار دیگری بدهید.", en="Give another number.")
