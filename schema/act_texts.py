"""The one table of what acts and objects are called in both languages; `value_texts` has the names of values."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from backend.core.errors import sentences
from backend.core.locale import Locale

Texts: TypeAlias = Mapping[str, Mapping[Locale, str]]

# What an approval is asked for, by its kind.
KINDS: Final[Texts] = MappingProxyType(
    {
        "access.operator_create": sentences(fa="حساب تازهٔ کاربر", en="New operator's account"),
        "access.operator_roles": sentences(
            fa="تغییر نقش یا محدودهٔ کاربر", en="Other roles or scope of an operator"
        ),
        "access.operator_resume": sentences(
            fa="رفع تعلیق کاربر", en="End of an operator's suspension"
        ),
        "access.operator_reset": sentences(
            fa="دعوت دوبارهٔ کاربر", en="New invitation of an operator"
        ),
        "members.freeze_lift": sentences(
            fa="رفع انسداد پروندهٔ عضو", en="Lifting a member's freeze"
        ),
        "members.import": sentences(
            fa="پذیرش پروندهٔ عضویت غیرعادی", en="Acceptance of an unusual membership file"
        ),
        "members.phone_change": sentences(
            fa="تغییر شمارهٔ همراه عضو", en="Change of a member's phone"
        ),
        "stores.iban_change": sentences(
            fa="تغییر حساب واریز فروشگاه", en="Change of a store's account"
        ),
    }
)

# What stands in the trail, by its action; of an approval that is carried out the kind as well.
ACTIONS: Final[Texts] = MappingProxyType(
    {
        "access.session_end": sentences(fa="پایان نشست عضو", en="A member's session ended"),
        "access.staff_session_end": sentences(
            fa="پایان نشست کاربر", en="A colleague's session ended"
        ),
        "approval.asked": sentences(fa="درخواست تأیید", en="Approval asked for"),
        "approval.executed": sentences(fa="اجرای درخواست تأییدشده", en="Approved act carried out"),
        "approval.expired": sentences(fa="پایان مهلت تأیید", en="Approval expired"),
        "approval.failed": sentences(fa="شکست اجرای درخواست", en="Approved act failed"),
        "approval.granted": sentences(fa="تأیید درخواست", en="Approval granted"),
        "approval.not_told": sentences(
            fa="نرسیدن خبر درخواست به یک شماره", en="A number could not be told of an approval"
        ),
        "approval.refused": sentences(fa="رد درخواست", en="Approval refused"),
        "approval.revealed": sentences(
            fa="دیدن مقدار کامل درخواست", en="Hidden values of an approval shown"
        ),
        "approval.reopened": sentences(
            fa="بازگشت درخواست به انتظار تأیید", en="Approval waits again"
        ),
        "approval.told": sentences(fa="خبر درخواست به یک شماره", en="A number told of an approval"),
        "approval.void": sentences(fa="بی‌اعتبار شدن درخواست", en="Approval void"),
        "approval.withdrawn": sentences(fa="پس گرفتن درخواست", en="Approval withdrawn"),
        "break_glass.begin": sentences(fa="آغاز دسترسی اضطراری", en="Emergency begun"),
        "break_glass.end": sentences(fa="پایان دسترسی اضطراری", en="Emergency ended"),
        "cashier.create": sentences(fa="حساب تازهٔ صندوق‌دار", en="Cashier made"),
        "cashier.new_passphrase": sentences(
            fa="تغییر گذرواژهٔ صندوق‌دار", en="Cashier's password changed"
        ),
        "cashier.reset": sentences(fa="گذرواژهٔ تازهٔ صندوق‌دار", en="Cashier's password renewed"),
        "cashier.resume": sentences(fa="رفع تعلیق صندوق‌دار", en="Cashier resumed"),
        "cashier.sign_in": sentences(fa="ورود صندوق‌دار", en="Cashier signed in"),
        "cashier.sign_in_failed": sentences(
            fa="ورود ناموفق صندوق‌دار", en="Cashier's sign-in failed"
        ),
        "cashier.suspend": sentences(fa="تعلیق صندوق‌دار", en="Cashier suspended"),
        "file_reads.sealed": sentences(fa="مهر دفتر خواندن پرونده‌ها", en="File reads sealed"),
        "imports.accept": sentences(fa="پذیرش پروندهٔ غیرعادی", en="Unusual file accepted"),
        "imports.begin": sentences(fa="آغاز بارگذاری پرونده", en="Upload begun"),
        "imports.cancel": sentences(fa="درخواست لغو ورود پرونده", en="Cancelling of an import"),
        "imports.cancelled": sentences(fa="لغو ورود پرونده", en="Import cancelled"),
        "imports.checked": sentences(fa="آزمایش پرونده", en="File tried out"),
        "imports.done": sentences(fa="پایان ورود پرونده", en="Import done"),
        "imports.expired": sentences(fa="پایان مهلت ورود پرونده", en="Import expired"),
        "imports.failed": sentences(fa="شکست ورود پرونده", en="Import failed"),
        "imports.refused": sentences(fa="رد پرونده", en="Import refused"),
        "imports.report_read": sentences(fa="خواندن گزارش ورود", en="Import's report read"),
        "imports.start": sentences(fa="شروع ورود پرونده", en="Import started"),
        "imports.waiting": sentences(fa="انتظار پرونده برای تأیید", en="Import waits for approval"),
        "members.freeze_lift": sentences(fa="رفع انسداد پروندهٔ عضو", en="Freeze lifted"),
        "members.import": sentences(fa="ورود پروندهٔ عضویت", en="Membership file imported"),
        "members.import.accept_unusual": sentences(
            fa="پذیرش پروندهٔ عضویت غیرعادی", en="Unusual membership file accepted"
        ),
        "members.phone_change": sentences(fa="تغییر شمارهٔ همراه عضو", en="Member's phone changed"),
        "members.search": sentences(fa="جست‌وجوی عضو", en="Search for members"),
        "operator.create": sentences(fa="تأیید حساب تازهٔ کاربر", en="Operator's account made"),
        "operator.enrol": sentences(fa="راه‌اندازی حساب کاربر", en="Operator's account set up"),
        "operator.first": sentences(fa="نخستین حساب مدیر", en="First administrator made"),
        "operator.recovered": sentences(
            fa="مدیر به‌جای مدیران ازدست‌رفته", en="Administrator made in place of lost ones"
        ),
        "operator.new_passphrase": sentences(
            fa="تغییر گذرواژهٔ کاربر", en="Operator's password changed"
        ),
        "operator.new_recovery_codes": sentences(
            fa="کدهای بازیابی تازه", en="Recovery codes renewed"
        ),
        "operator.reauthenticated": sentences(fa="تأیید دوبارهٔ هویت", en="Identity confirmed"),
        "operator.reauthentication_failed": sentences(
            fa="تأیید ناموفق هویت", en="Confirmation failed"
        ),
        "operator.reset": sentences(fa="دعوت دوبارهٔ کاربر", en="Operator invited anew"),
        "operator.resume": sentences(fa="رفع تعلیق کاربر", en="Operator resumed"),
        "operator.roles": sentences(fa="تغییر نقش یا محدودهٔ کاربر", en="Operator's roles changed"),
        "operator.sign_in": sentences(fa="ورود کاربر", en="Operator signed in"),
        "operator.sign_in_failed": sentences(
            fa="ورود ناموفق کاربر", en="Operator's sign-in failed"
        ),
        "operator.suspend": sentences(fa="تعلیق کاربر", en="Operator suspended"),
        "operator.unlock": sentences(fa="رفع قفل کاربر", en="Operator unlocked"),
        "provinces.open_set": sentences(fa="باز یا بسته شدن استان", en="Province opened or closed"),
        "session.open": sentences(fa="ورود عضو", en="Member signed in"),
        "store_device.enrol": sentences(fa="ثبت دستگاه فروشگاه", en="Store's device enrolled"),
        "store_device.offer": sentences(fa="کد ثبت دستگاه فروشگاه", en="Code for a store's device"),
        "store_device.revoke": sentences(fa="لغو دستگاه فروشگاه", en="Store's device revoked"),
        "stores.create": sentences(fa="افزودن فروشگاه", en="Store added"),
        "stores.iban_change": sentences(
            fa="تغییر حساب واریز فروشگاه", en="Store's account changed"
        ),
        "stores.import": sentences(fa="ثبت فروشگاه از پرونده", en="Store saved from a file"),
        "stores.resume": sentences(fa="رفع تعلیق فروشگاه", en="Store resumed"),
        "stores.suspend": sentences(fa="تعلیق فروشگاه", en="Store suspended"),
        "stores.update": sentences(fa="ویرایش فروشگاه", en="Store changed"),
    }
)

# What approvals and the trail are about, by the type that they give.
OBJECTS: Final[Texts] = MappingProxyType(
    {
        "Approval": sentences(fa="درخواست تأیید", en="Approval"),
        "BreakGlass": sentences(fa="دسترسی اضطراری", en="Emergency"),
        "Cashier": sentences(fa="صندوق‌دار", en="Cashier"),
        "FileImport": sentences(fa="ورود پرونده", en="Import of a file"),
        "FileReads": sentences(fa="دفتر خواندن پرونده‌ها", en="Reads of files"),
        "Member": sentences(fa="عضو", en="Member"),
        "MembershipFile": sentences(fa="پروندهٔ عضویت", en="Membership file"),
        "Operator": sentences(fa="کاربر", en="Operator"),
        "Province": sentences(fa="استان", en="Province"),
        "Session": sentences(fa="نشست عضو", en="Member's session"),
        "StaffSession": sentences(fa="نشست کاربر", en="Colleague's session"),
        "Store": sentences(fa="فروشگاه", en="Store"),
        "StoreDevice": sentences(fa="دستگاه فروشگاه", en="Store's device"),
    }
)


def of(table: Texts, name: str, locale: Locale) -> str:
    """A name in words; the name itself where the table has none, which a test keeps from happening."""
    return table[name][locale] if name in table else name
