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
    notices = []
    for _ in range(random.randint(_FEWEST, _MOST)):
        category, title, body, link = random.choice(_NOTICES)
        at = _moment(random, world)
        read_at = at + (world.now - at) / 2 if random.random() < _READ_SHARE else None
        notices.append(SeedNotice(at, person.number, category, title, body, link, read_at))
    return notices


def draw_file_reads(random: Random, world: World, person: Person) -> list[SeedFileRead]:
    """One or two reads for a few members, none for the others."""
    if random.random() > _FILE_READ_SHARE:
        return []
    reads = []
    for _ in range(random.randint(1, 2)):
        role, office, purpose = random.choice(_READERS)
        reads.append(
            SeedFileRead(
                created_at=_moment(random, world),
                member_id=person.number,
                reader_role=role,
                reader_office=office.format(city=person.town.name),
                actor=f"seed:{random.randint(1, 900)}",
                purpose=purpose,
            )
        )
    return reads


def _moment(random: Random, world: World) -> datetime:
    at = world.now - timedelta(seconds=random.randrange(_DAYS * 86_400))
    return max(at, min(_FIRST_PARTITION, world.now))
