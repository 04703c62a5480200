"""Why a whole membership file is not imported, or not yet."""

from backend.core.errors import BadUserInput, DomainError, sentences


class MembershipReportPathTaken(BadUserInput):
    """The report would be written over the file that is to be imported."""

    code = "MEMBERSHIP_REPORT_PATH_TAKEN"
    texts = sentences(
        fa="گزارش نمی‌تواند جای خود پرونده نوشته شود.",
        en="The report cannot be written over the file itself.",
    )
    hints = sentences(fa="نشانی دیگری برای گزارش بدهید.", en="Give another path for the report.")


class MembershipFileChanged(BadUserInput):
    """Somebody wrote to the file while it was read."""

    code = "MEMBERSHIP_FILE_CHANGED"
    texts = sentences(
        fa="پرونده هنگام خواندن تغییر کرد و چیزی ذخیره نشد.",
        en="The file was changed while it was read, and nothing was saved.",
    )
    hints = sentences(
        fa="صبر کنید تا پرونده کامل شود و دوباره اجرا کنید.",
        en="Wait until the file is complete and run it again.",
    )


class MembershipMonthDiffers(BadUserInput):
    """The same file was begun for another month."""

    code = "MEMBERSHIP_MONTH_DIFFERS"
    texts = sentences(
        fa="همین پرونده پیش‌تر برای ماه {month} آغاز شده است.",
        en="This very file was begun for the month {month}.",
    )
    hints = sentences(
        fa="همان ماه را بدهید یا گزینهٔ ماه را بردارید.",
        en="Give that month, or leave the month out.",
    )


class MembershipMonthPassed(BadUserInput):
    """A file of a later month was imported already."""

    code = "MEMBERSHIP_MONTH_PASSED"
    texts = sentences(
        fa="پروندهٔ ماه {month} پیش‌تر وارد شده است و این پرونده کهنه‌تر است.",
        en="A file of the month {month} was imported, and this one is older.",
    )
    hints = sentences(
        fa="تازه‌ترین پرونده را بدهید.",
        en="Give the newest file.",
    )


class MembershipMonthAhead(BadUserInput):
    """The month is later than the next one: taken, it would shut out every file until then."""

    code = "MEMBERSHIP_MONTH_AHEAD"
    texts = sentences(
        fa="ماه {month} هنوز بسیار دور است.", en="The month {month} is too far ahead."
    )
    hints = sentences(
        fa="ماه جاری یا ماه بعد را بدهید.", en="Give the present month or the next one."
    )


class MembershipAcceptorInvalid(BadUserInput):
    """Who accepts an unusual file must be named, in 80 characters at most."""

    code = "MEMBERSHIP_ACCEPTOR_INVALID"
    texts = sentences(
        fa="نام کسی که پرونده را می‌پذیرد درست نیست.",
        en="The name of who accepts the file is not valid.",
    )
    hints = sentences(
        fa="نامی از یک تا {most} نویسه بدهید.", en="Give a name of 1 to {most} characters."
    )


class MembershipImportRunning(DomainError):
    """Another process imports a membership file, or tries one, at this moment."""

    code = "MEMBERSHIP_IMPORT_RUNNING"
    texts = sentences(
        fa="هم‌اکنون پروندهٔ عضویت دیگری جای دیگر وارد می‌شود.",
        en="A membership file is being imported elsewhere right now.",
    )
    hints = sentences(
        fa="صبر کنید تا به پایان برسد و دوباره اجرا کنید.",
        en="Wait for its end and run this again.",
    )


class MembershipImportUnderway(DomainError):
    """Another file was merged in part, or this one was ended by somebody else meanwhile."""

    code = "MEMBERSHIP_IMPORT_UNDERWAY"
    texts = sentences(
        fa="وارد کردن پروندهٔ ماه {month} نیمه‌کاره است.",
        en="The import of the file of the month {month} is under way.",
    )
    hints = sentences(
        fa="اگر جای دیگری در جریان است صبر کنید؛ وگرنه همان پرونده را دوباره اجرا کنید.",
        en="Wait where it runs elsewhere; else run that very file again, and it goes on.",
    )


class MembershipStagingLost(DomainError):
    """The database server was restarted in the middle: what was staged is gone."""

    code = "MEMBERSHIP_STAGING_LOST"
    texts = sentences(
        fa="پایگاه داده در میانهٔ کار از نو راه افتاد.",
        en="The database was restarted in the middle.",
    )
    hints = sentences(
        fa="همین پرونده را دوباره اجرا کنید؛ کار از جای خود ادامه می‌یابد.",
        en="Run the same file again; it goes on.",
    )
