"""Invented notices in members' inboxes, and reads of members' files by staff."""

from datetime import UTC, datetime, timedelta
from random import Random

from backend.audit.seeding import SeedFileRead
from backend.club_seed.world import World
from backend.members.seed.people import Person
from backend.notifications.domain import NoticeCategory
from backend.notifications.seeding import SeedNotice

_SHARE, _FEWEST, _MOST = 0.25, 2, 5
_READ_SHARE, _FILE_READ_SHARE = 0.6, 0.02
_DAYS = 300
_CLERKS = 900
_FIRST_PARTITION = datetime(2025, 1, 1, tzinfo=UTC)
_NOTICES = (
    (NoticeCategory.PURCHASE, "خرید شما ثبت شد",
     "خرید اقساطی شما تأیید شد و اقساط آن از حقوق کسر می‌شود.", "/purchases"),
    (NoticeCategory.INSTALMENT, "قسط این ماه کسر شد",
     "قسط این ماه از حقوق شما کسر شد. جزئیات را در برنامه ببینید.", "/instalments"),
    (NoticeCategory.LOAN, "ثبت‌نام وام آغاز شد", "ثبت‌نام دورهٔ تازهٔ وام قرض‌الحسنه آغاز شده است.", "/loans"),
    (NoticeCategory.SECURITY, "ورود تازه به حساب شما",
     "با دستگاه تازه‌ای وارد حساب شما شدند. اگر شما نبودید، آن را پایان دهید.", "/sessions"),
    (NoticeCategory.SERVICE, "به‌روزرسانی مشخصات", "مشخصات شما با فهرست ماهانهٔ عضویت به‌روز شد.", None),
    (NoticeCategory.CAMPAIGN, "پیشنهاد ویژهٔ بازنشستگان", "فروشگاه‌های شهر شما این هفته تخفیف ویژه دارند.", "/stores"),
)  # fmt: skip
_READERS = (
    ("REGISTRAR", "کانون بازنشستگان {city}", "ثبت درخواست وام به خواست عضو"),
    ("SUPPORT", "پشتیبانی باشگاه", "پاسخ به پرسش عضو دربارهٔ اقساط"),
    ("BRANCH_CLERK", "شعبهٔ {city}", "به‌روزرسانی مشخصات به خواست عضو"),
)


def draw_notices(random: Random, world: World, person: Person) -> list[SeedNotice]:
    """Two to five notices of the past months for a quarter of the members, none for the others."""
    if random.random() > _SHARE:
        return []
    return [
        notice(
            world,
            person,
            random.randrange(len(_NOTICES)),
            at=_moment(random, world),
            is_read=random.random() < _READ_SHARE,
        )
        for _ in range(random.randint(_FEWEST, _MOST))
    ]


def draw_file_reads(random: Random, world: World, person: Person) -> list[SeedFileRead]:
    """One or two reads for a few members, none for the others."""
    if random.random() > _FILE_READ_SHARE:
        return []
    return [
        file_read(
            person,
            random.randrange(len(_READERS)),
            at=_moment(random, world),
            clerk=random.randint(1, _CLERKS),
        )
        for _ in range(random.randint(1, 2))
    ]


def notice(world: World, person: Person, place: int, *, at: datetime, is_read: bool) -> SeedNotice:
    """The notice of a place from 0 to 5, one for each category; read halfway between its moment and now, or never."""
    category, title, body, link = _NOTICES[place]
    read_at = at + (world.now - at) / 2 if is_read else None
    return SeedNotice(at, person.number, category, title, body, link, read_at)


def file_read(person: Person, place: int, *, at: datetime, clerk: int) -> SeedFileRead:
    """A read by the office of a place from 0 to 2."""
    role, office, purpose = _READERS[place]
    return SeedFileRead(
        created_at=at,
        member_id=person.number,
        reader_role=role,
        reader_office=office.format(city=person.town.name),
        actor=f"seed:{clerk}",
        purpose=purpose,
    )


def _moment(random: Random, world: World) -> datetime:
    at = world.now - timedelta(seconds=random.randrange(_DAYS * 86_400))
    return max(at, min(_FIRST_PARTITION, world.now))
