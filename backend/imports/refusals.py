"""What is refused to who imports files, each with its code."""

from backend.core.errors import BadUserInput, DomainError, sentences


class FileImportInvalid(BadUserInput):
    """The name, the size or the digest of a file that is to be imported is not usable."""

    code = "FILE_IMPORT_INVALID"
    texts = sentences(
        fa="مشخصات پرونده درست نیست: نام، اندازه (حداکثر {megabytes} مگابایت) و SHA-256 لازم است.",
        en="The file is not described right: a name, a size (at most {megabytes} MB) and its SHA-256 are needed.",
    )
    hints = sentences(
        fa="پرونده را دوباره انتخاب کنید؛ پرونده نباید خالی یا بزرگ‌تر از اندازهٔ مجاز باشد.",
        en="Choose the file again; it must be neither empty nor larger than allowed.",
    )


class FileImportsTooMany(DomainError):
    """The operator has as many imports under way as one may."""

    code = "FILE_IMPORTS_TOO_MANY"
    texts = sentences(
        fa="شما {most} ورود پروندهٔ ناتمام دارید.", en="You have {most} imports that are not ended."
    )
    hints = sentences(
        fa="یکی را تمام یا لغو کنید و دوباره تلاش کنید.", en="End or cancel one, and try again."
    )


class FilePartMissing(DomainError):
    """The upload is not complete."""

    code = "FILE_PART_MISSING"
    texts = sentences(
        fa="بارگذاری پرونده کامل نیست؛ بخش شمارهٔ {number} (از ۰؛ همه {count} بخش) نرسیده است.",
        en="The file is not uploaded whole; part {number}, counted from 0, of {count} is missing.",
    )
    hints = sentences(
        fa="بخش‌های باقی‌مانده را بفرستید و دوباره آغاز کنید.",
        en="Send the parts that are missing, and start again.",
    )


class FileImportStateRefuses(DomainError):
    """In its present state that can't be done with an import."""

    code = "FILE_IMPORT_STATE_REFUSES"
    texts = sentences(
        fa="این ورود پرونده در وضعیت کنونی‌اش این کار را نمی‌پذیرد.",
        en="The import's present state does not allow this.",
    )
    hints = sentences(
        fa="فهرست را تازه کنید تا وضعیت آن را ببینید.",
        en="Refresh the list to see where it stands.",
    )


class FileImportOfAnother(DomainError):
    """Only who has uploaded a file starts its import: it runs with that operator's rights."""

    code = "FILE_IMPORT_OF_ANOTHER"
    texts = sentences(
        fa="این پرونده را همکار دیگری بارگذاری کرده است.", en="A colleague has uploaded this file."
    )
    hints = sentences(
        fa="از همان همکار بخواهید آن را آغاز کند، یا خودتان پرونده را بارگذاری کنید.",
        en="Ask that colleague to start it, or upload the file yourself.",
    )


class FileImportMerging(DomainError):
    """Some of a membership file is merged already, and the rest has to follow."""

    code = "FILE_IMPORT_MERGING"
    texts = sentences(
        fa="ذخیرهٔ این پرونده آغاز شده و دیگر نمی‌توان آن را لغو کرد.",
        en="The file is being saved, and can't be cancelled any more.",
    )
    hints = sentences(
        fa="تا پایان کار صبر کنید؛ پروندهٔ نیمه‌ذخیره‌شده باید کامل شود.",
        en="Wait for its end; what is half saved has to be completed.",
    )


class FileDiffers(DomainError):
    """The parts that arrived are not the file that was announced."""

    code = "FILE_DIFFERS"
    texts = sentences(
        fa="پروندهٔ بارگذاری‌شده همان پروندهٔ اعلام‌شده نیست.",
        en="What was uploaded is not the file that was announced.",
    )
    hints = sentences(
        fa="پرونده را دوباره انتخاب و از نو بارگذاری کنید.",
        en="Choose the file again and upload it anew.",
    )


class ImporterRightsGone(DomainError):
    """Who started the import may not do so any more."""

    code = "IMPORTER_RIGHTS_GONE"
    texts = sentences(
        fa="کسی که این ورود را آغاز کرده بود دیگر اجازهٔ آن را ندارد.",
        en="Who started this import is not allowed to any more.",
    )
    hints = sentences(
        fa="همکاری که این دسترسی را دارد پرونده را دوباره بارگذاری کند.",
        en="Let a colleague who is allowed to upload the file again.",
    )


class FileImportGivenUp(DomainError):
    """Run after run failed at it."""

    code = "FILE_IMPORT_GIVEN_UP"
    texts = sentences(
        fa="ورود این پرونده بارها به دلیل خطای سامانه ناتمام ماند.",
        en="The import failed again and again by a fault of the system.",
    )
    hints = sentences(
        fa="به پشتیبان فنی خبر دهید و سپس همین پرونده را دوباره بارگذاری کنید؛ کار از همان‌جا ادامه می‌یابد.",
        en="Tell the technical support, then upload the same file again; it goes on from there.",
    )


class FileImportRefused(DomainError):
    """The second person did not let an unusual file pass, or nobody did in time."""

    code = "FILE_IMPORT_REFUSED"
    texts = sentences(
        fa="ورود این پروندهٔ غیرعادی تأیید نشد و چیزی ذخیره نشد.",
        en="The unusual file was not approved, and nothing was saved.",
    )
    hints = sentences(
        fa="پرونده را با فرستندهٔ آن بررسی کنید و پروندهٔ درست را بارگذاری کنید.",
        en="Look at the file with who sent it, and upload the right one.",
    )


class ImportInEmergency(DomainError):
    """Who imports has the permission by an emergency alone, which may be over when a worker runs it."""

    code = "IMPORT_IN_EMERGENCY"
    texts = sentences(
        fa="با دسترسی اضطراری نمی‌توان پرونده‌ای وارد کرد.",
        en="An emergency imports no file.",
    )
    hints = sentences(
        fa="ورود پرونده را به همکاری بسپارید که این دسترسی را با نقش خود دارد.",
        en="Leave the import to a colleague who has the permission by role.",
    )
