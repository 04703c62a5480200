"""What the seed's places offer: categories with their names, hours and instalment terms."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.stores.domain import PlaceKind

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Category:
    """A category and how its places are made up.

    `names` are format strings over what `drafts` draws (family, word, care, chain, street); `hours`
    names patterns of `hours` with their weights; `goods` is what an offer is about. A category
    without months and amounts sells nothing in instalments.
    """

    code: str
    name_fa: str
    name_en: str
    weight: int
    names: tuple[str, ...]
    hours: Mapping[str, int]
    goods: tuple[str, ...] = ()
    months: tuple[Range, ...] = ()
    least_toman: tuple[int, ...] = ()
    most_toman: tuple[int, ...] = ()
    kind: PlaceKind = PlaceKind.STORE


_SHOP: Mapping[str, int] = {"split": 50, "split_early": 15, "split_thursday": 10, "all_day": 15}
_SHOW: Mapping[str, int] = {"split": 45, "all_day": 25, "arcade": 25, "split_thursday": 5}
_SHORT: tuple[Range, ...] = ((3, 6), (3, 6), (3, 10))
_MIDDLE: tuple[Range, ...] = ((3, 10), (3, 12), (6, 12))
_LONG: tuple[Range, ...] = ((6, 18), (6, 24), (12, 24), (3, 24))
_SMALL_LEAST, _SMALL_MOST = (500_000, 1_000_000), (10_000_000, 15_000_000, 20_000_000)
_FAIR_LEAST, _FAIR_MOST = (1_000_000, 2_000_000), (20_000_000, 30_000_000, 50_000_000)
_LARGE_LEAST, _LARGE_MOST = (3_000_000, 5_000_000), (80_000_000, 120_000_000, 200_000_000)

STORES: tuple[Category, ...] = (
    Category(
        "supermarket", "سوپرمارکت و خواربار", "Groceries", 15,
        ("سوپرمارکت {word}", "سوپرمارکت {family}", "خواربار {family}", "سوپر پروتئین {word}",
         "مواد غذایی {word}", "فروشگاه {word}", "سوپرمارکت برادران {family}"),
        {"grocer": 70, "chain": 20, "late": 10}, ("برنج", "روغن و حبوبات", "لبنیات", "چای"),
        _SHORT, _SMALL_LEAST, _SMALL_MOST,
    ),
    Category(
        "chain-store", "فروشگاه زنجیره‌ای", "Chain stores", 9,
        ("فروشگاه زنجیره‌ای {chain}، شعبهٔ {street}",),
        {"chain": 100}, ("مواد شوینده", "برنج", "کالاهای اساسی", "روغن و حبوبات"),
        ((3, 6), (3, 12)), (1_000_000,), (20_000_000, 30_000_000),
    ),
    Category(
        "home-appliances", "لوازم خانگی", "Home appliances", 14,
        ("لوازم خانگی {family}", "لوازم خانگی {word}", "خانهٔ لوازم خانگی {word}",
         "فروشگاه لوازم خانگی {word}", "لوازم خانگی برادران {family}", "بازرگانی {family}"),
        _SHOP, ("یخچال‌فریزر", "ماشین لباسشویی", "تلویزیون", "جاروبرقی", "اجاق‌گاز"),
        _LONG, _LARGE_LEAST, _LARGE_MOST,
    ),
    Category(
        "clothing", "پوشاک", "Clothing", 10,
        ("پوشاک {word}", "پوشاک {family}", "مانتوسرای {word}", "پیراهن‌دوزی {family}",
         "پوشاک خانوادهٔ {word}", "کت‌وشلوار {family}"),
        _SHOW, ("پوشاک مردانه", "لباس بچگانه", "پیراهن و شلوار", "مانتو"),
        _MIDDLE, _SMALL_LEAST, _FAIR_MOST,
    ),
    Category(
        "shoes-bags", "کیف و کفش", "Shoes and bags", 5,
        ("کفش {word}", "کیف و کفش {word}", "کفش طبی {word}", "کفش {family}", "سرای کفش {family}"),
        _SHOW, ("کفش طبی", "کفش پیاده‌روی", "کیف چرم"), _MIDDLE, _SMALL_LEAST, _SMALL_MOST,
    ),
    Category(
        "furniture", "مبلمان و دکوراسیون", "Furniture", 5,
        ("مبلمان {word}", "مبل {family}", "گالری مبل {word}", "سرویس خواب {word}",
         "صنایع چوب {family}"),
        _SHOW, ("مبل راحتی", "میز ناهارخوری", "سرویس خواب"), _LONG, _LARGE_LEAST, _LARGE_MOST,
    ),
    Category(
        "carpets", "فرش و موکت", "Carpets", 5,
        ("فرش {family}", "فرش ماشینی {word}", "فرش دستباف {family}", "موکت و فرش {word}",
         "گالری فرش {word}"),
        _SHOP, ("فرش ماشینی", "گلیم‌فرش", "موکت"), _LONG, _LARGE_LEAST, _LARGE_MOST,
    ),
    Category(
        "bedding", "کالای خواب", "Bedding", 3,
        ("کالای خواب {word}", "تشک {word}", "کالای خواب {family}", "سرای خواب {word}"),
        _SHOP, ("تشک طبی", "پتو و لحاف", "بالش طبی"), _MIDDLE, _FAIR_LEAST, _FAIR_MOST,
    ),
    Category(
        "kitchenware", "ظروف و لوازم آشپزخانه", "Kitchenware", 4,
        ("ظروف {word}", "بلور و چینی {family}", "لوازم آشپزخانهٔ {word}", "سرای چینی {word}"),
        _SHOP, ("سرویس قابلمه", "ظروف چینی", "زودپز"), _MIDDLE, _SMALL_LEAST, _FAIR_MOST,
    ),
    Category(
        "pharmacy", "داروخانه", "Pharmacies", 8,
        ("داروخانهٔ دکتر {family}", "داروخانهٔ {care}", "داروخانهٔ شبانه‌روزی {care}"),
        {"pharmacy": 60, "split": 20, "chain": 20},
        ("مکمل‌های دارویی", "فشارسنج خانگی", "فراورده‌های پوستی"),
        _SHORT, _SMALL_LEAST, _SMALL_MOST,
    ),
    Category(
        "optician", "عینک و بینایی‌سنجی", "Opticians", 4,
        ("عینک {word}", "عینک‌سازی {family}", "بینایی‌سنجی و عینک {word}", "اپتیک {family}"),
        _SHOP, ("عینک مطالعه", "شیشهٔ عینک", "قاب عینک"), _MIDDLE, _SMALL_LEAST, _SMALL_MOST,
    ),
    Category(
        "hearing-aids", "سمعک و شنوایی‌سنجی", "Hearing aids", 2,
        ("سمعک {care}", "مرکز سمعک {family}", "شنوایی‌سنجی و سمعک {care}"),
        {"split_thursday": 50, "split_early": 50}, ("سمعک هوشمند", "باتری سمعک"),
        _LONG, _LARGE_LEAST, _LARGE_MOST,
    ),
    Category(
        "medical-equipment", "تجهیزات پزشکی", "Medical equipment", 3,
        ("تجهیزات پزشکی {care}", "تأمین تجهیزات پزشکی {family}", "کالای پزشکی {care}",
         "ارتوپدی فنی {family}"),
        _SHOP, ("صندلی چرخ‌دار", "فشارسنج", "تشک مواج", "واکر و عصا"),
        _LONG, _FAIR_LEAST, _LARGE_MOST,
    ),
    Category(
        "mobile-phones", "موبایل", "Mobile phones", 7,
        ("موبایل {word}", "موبایل {family}", "همراه‌سرای {word}", "فروشگاه موبایل {word}"),
        {"split": 35, "all_day": 25, "arcade": 40}, ("گوشی هوشمند", "گوشی ساده", "لوازم جانبی"),
        _MIDDLE, _FAIR_LEAST, (50_000_000, 80_000_000, 100_000_000),
    ),
    Category(
        "computers", "رایانه", "Computers", 3,
        ("رایانهٔ {word}", "رایانه‌سرای {word}", "خدمات رایانه‌ای {family}", "لپ‌تاپ {word}"),
        _SHOW, ("لپ‌تاپ", "تبلت", "چاپگر"), _LONG, _FAIR_LEAST, _LARGE_MOST,
    ),
    Category(
        "books-stationery", "کتاب و نوشت‌افزار", "Books and stationery", 3,
        ("کتاب‌فروشی {word}", "نوشت‌افزار {word}", "لوازم‌التحریر {family}", "شهر کتاب {word}",
         "کتاب‌سرای {family}"),
        _SHOP, ("نوشت‌افزار", "کتاب‌های کودک", "کیف مدرسه"), _SHORT, _SMALL_LEAST, _SMALL_MOST,
    ),
    Category(
        "bicycles", "دوچرخه", "Bicycles", 2,
        ("دوچرخهٔ {word}", "دوچرخه‌فروشی {family}", "دوچرخه‌سرای {word}"),
        _SHOP, ("دوچرخهٔ شهری", "دوچرخهٔ کودک"), _MIDDLE, _FAIR_LEAST, _FAIR_MOST,
    ),
    Category(
        "tyres", "لاستیک و خدمات خودرو", "Tyres and car service", 4,
        ("لاستیک {family}", "لاستیک و رینگ {word}", "تعویض روغن {family}", "باتری‌سازی {family}",
         "خدمات خودرو {word}"),
        {"split_early": 60, "split": 20, "all_day": 20}, ("لاستیک", "باتری خودرو", "روغن موتور"),
        _MIDDLE, _FAIR_LEAST, _FAIR_MOST,
    ),
    Category(
        "plumbing", "تأسیسات و شیرآلات", "Plumbing and heating", 3,
        ("تأسیسات {family}", "شیرآلات {word}", "آب‌گرم‌کن و پکیج {word}", "بخاری و کولر {family}"),
        _SHOP, ("پکیج و رادیاتور", "کولر آبی", "بخاری گازی", "شیرآلات"),
        _LONG, _FAIR_LEAST, _LARGE_MOST,
    ),
    Category(
        "nuts-sweets", "آجیل و شیرینی", "Nuts and sweets", 4,
        ("آجیل و خشکبار {word}", "شیرینی‌سرای {word}", "آجیل {family}", "قنادی {word}",
         "خشکبار برادران {family}"),
        {"late": 45, "grocer": 35, "split": 20}, ("آجیل چهارمغز", "شیرینی تازه", "پسته و بادام"),
        _SHORT, _SMALL_LEAST, _SMALL_MOST,
    ),
    Category(
        "travel", "سفر و زیارت", "Travel and pilgrimage", 2,
        ("خدمات مسافرتی {word}", "سفرهای زیارتی {word}", "آژانس مسافرتی {word}"),
        {"split_thursday": 60, "all_day": 40}, ("تور مشهد", "تور کیش", "سفر زیارتی"),
        _MIDDLE, _FAIR_LEAST, _LARGE_MOST,
    ),
)  # fmt: skip

CLINICS: tuple[Category, ...] = (
    Category(
        "general-clinic", "درمانگاه عمومی", "General clinics", 25,
        ("درمانگاه {care}", "درمانگاه شبانه‌روزی {care}", "پلی‌کلینیک {care}"),
        {"clinic": 60, "chain": 40}, ("ویزیت عمومی", "معاینهٔ سالانه"),
        _SHORT, _SMALL_LEAST, _FAIR_MOST, PlaceKind.CLINIC,
    ),
    Category(
        "dentistry", "دندان‌پزشکی", "Dentistry", 30,
        ("کلینیک دندان‌پزشکی {care}", "دندان‌پزشکی دکتر {family}"),
        {"clinic": 60, "clinic_evening": 40}, ("جرم‌گیری", "دندان مصنوعی", "ایمپلنت"),
        _LONG, _FAIR_LEAST, _LARGE_MOST, PlaceKind.CLINIC,
    ),
    Category(
        "physiotherapy", "فیزیوتراپی", "Physiotherapy", 15,
        ("فیزیوتراپی {care}", "مرکز فیزیوتراپی {care}", "فیزیوتراپی دکتر {family}"),
        {"clinic": 80, "clinic_evening": 20}, ("ده جلسه فیزیوتراپی",),
        _MIDDLE, _SMALL_LEAST, _FAIR_MOST, PlaceKind.CLINIC,
    ),
    Category(
        "eye-clinic", "چشم‌پزشکی", "Eye clinics", 10,
        ("کلینیک چشم‌پزشکی {care}", "مرکز چشم‌پزشکی {care}", "چشم‌پزشکی دکتر {family}"),
        {"clinic": 70, "clinic_evening": 30}, ("عمل آب‌مروارید", "معاینهٔ چشم"),
        _LONG, _FAIR_LEAST, _LARGE_MOST, PlaceKind.CLINIC,
    ),
    Category(
        "laboratory", "آزمایشگاه", "Laboratories", 12,
        ("آزمایشگاه {care}", "آزمایشگاه دکتر {family}"),
        {"laboratory": 100}, ("آزمایش کامل خون", "آزمایش قند و چربی"),
        _SHORT, _SMALL_LEAST, _SMALL_MOST, PlaceKind.CLINIC,
    ),
    Category(
        "imaging", "تصویربرداری", "Medical imaging", 8,
        ("مرکز تصویربرداری {care}", "رادیولوژی و سونوگرافی دکتر {family}"),
        {"laboratory": 50, "clinic": 50}, ("سنجش تراکم استخوان", "سونوگرافی"),
        _MIDDLE, _SMALL_LEAST, _FAIR_MOST, PlaceKind.CLINIC,
    ),
)  # fmt: skip

BRANCH = Category(
    "branch", "شعبهٔ تأمین اجتماعی", "Social security branches", 1,
    (), {"office": 100}, kind=PlaceKind.BRANCH,
)  # fmt: skip

ASSOCIATION = Category(
    "association", "کانون بازنشستگان", "Pensioners' associations", 1,
    (), {"association": 100}, kind=PlaceKind.ASSOCIATION,
)  # fmt: skip

ALL: tuple[Category, ...] = (*STORES, *CLINICS, BRANCH, ASSOCIATION)
