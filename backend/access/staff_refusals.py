"""What operators, cashiers and stores' devices may be refused, in both languages."""

from backend.access.domain import SessionExpired, SessionInvalid
from backend.core import errors

_ANOTHER_NAME = errors.sentences(fa="نام دیگری برگزینید.", en="Choose another name.")
_SIGN_IN_AGAIN = errors.sentences(
    fa="دوباره با نام کاربری و گذرواژه وارد شوید.",
    en="Sign in again with user name and password.",
)


class CredentialsInvalid(errors.DomainError):
    """User name, password or one-time password is wrong, or the account cannot sign in: never told apart."""

    code = "CREDENTIALS_INVALID"
    texts = errors.sentences(
        fa="نام کاربری، گذرواژه یا رمز یک‌بارمصرف درست نیست.",
        en="The user name, password or one-time password is not right.",
    )
    hints = errors.sentences(
        fa="هر سه را بررسی کنید و با رمز یک‌بارمصرف تازه دوباره تلاش کنید.",
        en="Check all three, and try again with a new one-time password.",
    )


class UserNameInvalid(errors.BadUserInput):
    """A user name that no account may have."""

    texts = errors.sentences(
        fa="نام کاربری باید ۳ تا ۴۰ نویسه و از حروف لاتین، رقم، نقطه و خط تیره باشد.",
        en="A user name has 3 to 40 Latin letters, digits, dots or hyphens, and begins with a letter.",
    )
    hints = _ANOTHER_NAME


class UserNameTaken(errors.DomainError):
    """Another account has this user name, or had it once."""

    code = "USER_NAME_TAKEN"
    texts = errors.sentences(
        fa="این نام کاربری پیش‌تر به حسابی داده شده است.",
        en="This user name was given to an account already.",
    )
    hints = _ANOTHER_NAME


class AccountNotMade(UserNameTaken):
    """The same for an administrator of a part: whether the name or the person has an account elsewhere is not told."""

    texts = errors.sentences(
        fa="با این مشخصات نمی‌توان حساب ساخت.",
        en="No account can be made of these data.",
    )
    hints = errors.sentences(
        fa="نام کاربری دیگری برگزینید؛ اگر باز هم نشد، از مدیر کشوری بخواهید.",
        en="Choose another user name; where that does not help, ask an administrator of the nation.",
    )


class PersonHasAccount(UserNameTaken):
    """The person has an account already; told to administrators of the nation alone."""

    texts = errors.sentences(
        fa="دارندهٔ این کد ملی حساب دارد؛ هر کس یک حساب دارد.",
        en="The holder of this national code has an account already; a person has one.",
    )
    hints = errors.sentences(
        fa="نقش یا حوزهٔ همان حساب را تغییر دهید یا تعلیق آن را پایان دهید.",
        en="Change roles or scope of that account, or end its suspension.",
    )


class PersonNotHolder(errors.BadUserInput):
    """The national code is not that of the account's holder."""

    texts = errors.sentences(
        fa="این کد ملی از آنِ دارندهٔ این حساب نیست.",
        en="This national code is not that of the account's holder.",
    )
    hints = errors.sentences(
        fa="کد ملی دارندهٔ حساب را وارد کنید؛ شمارهٔ تازه باید به نام خود او باشد.",
        en="Give the holder's national code; the new number has to be in the holder's own name.",
    )


class StaffTextInvalid(errors.BadUserInput):
    """A name or office that is blank or too long."""

    texts = errors.sentences(
        fa="این متن باید پر شود و حداکثر {most} نویسه داشته باشد.",
        en="This text is needed, and has at most {most} characters.",
    )
    hints = errors.sentences(fa="متن را کوتاه کنید.", en="Write a shorter text.")


class RolesConflict(errors.DomainError):
    """These roles may not be joined in one person."""

    code = "ROLES_CONFLICT"
    texts = errors.sentences(
        fa="این نقش‌ها با هم به یک نفر داده نمی‌شوند.",
        en="These roles are not given to one person together.",
    )
    hints = errors.sentences(
        fa="مدیر سامانه نقش مالی ندارد و حسابرس تنها ناظر است؛ نقش‌ها را جدا کنید.",
        en="An administrator has no role with money, and an auditor only looks on; separate the roles.",
    )


class RolesMissing(errors.BadUserInput):
    """An operator without a role, or with a scope of nothing."""

    texts = errors.sentences(
        fa="دست‌کم یک نقش و یک حوزه لازم است.",
        en="At least one role and one scope are needed.",
    )
    hints = errors.sentences(
        fa="نقش را برگزینید و حوزه را کشور، چند استان یا یک کانون بگذارید.",
        en="Choose a role, and as scope the nation, some provinces or one association.",
    )


class ScopeTooWide(errors.DomainError):
    """The scope given is not within that of who gives it."""

    code = "SCOPE_TOO_WIDE"
    texts = errors.sentences(
        fa="این حوزه بیرون از حوزهٔ خود شماست.",
        en="This scope is not within your own.",
    )
    hints = errors.sentences(
        fa="حوزهٔ کوچک‌تری بدهید یا از مدیر کشوری بخواهید.",
        en="Give a smaller scope, or ask an administrator of the nation.",
    )


class OperatorStateRefuses(errors.DomainError):
    """The account is not in a state in which this can be done."""

    code = "OPERATOR_STATE_REFUSES"
    texts = errors.sentences(
        fa="این حساب در وضعیتی نیست که این کار با آن ممکن باشد.",
        en="The account is not in a state in which this can be done.",
    )
    hints = errors.sentences(
        fa="وضعیت تازهٔ حساب را ببینید.", en="Look at the present state of the account."
    )


class OwnAccount(errors.DomainError):
    """Nobody changes the rights or the state of the own account."""

    code = "OWN_ACCOUNT"
    texts = errors.sentences(
        fa="هیچ‌کس نمی‌تواند نقش یا وضعیت حساب خودش را تغییر دهد.",
        en="Nobody may change the roles or the state of their own account.",
    )
    hints = errors.sentences(fa="از همکار دیگری بخواهید.", en="Ask a colleague.")


class LastAdministrator(errors.DomainError):
    """Without this account nobody would be left to give rights."""

    code = "LAST_ADMINISTRATOR"
    texts = errors.sentences(
        fa="بدون این حساب هیچ مدیر سامانه‌ای نمی‌ماند.",
        en="Without this account no administrator is left.",
    )
    hints = errors.sentences(fa="نخست مدیر دیگری بسازید.", en="Make another administrator first.")


class BreakGlassInvalid(errors.BadUserInput):
    """An emergency longer than four hours, or of a role that is not given so."""

    texts = errors.sentences(
        fa="دسترسی اضطراری ۱ تا {most} ساعت است و نقش مدیر سامانه یا حسابرس را نمی‌دهد.",
        en="Emergency access lasts 1 to {most} hours, and never gives the role of administrator or auditor.",
    )
    hints = errors.sentences(fa="نقش و مدت را بررسی کنید.", en="Check the role and the time.")


class BreakGlassRunning(errors.DomainError):
    """The operator has an emergency running already."""

    code = "BREAK_GLASS_RUNNING"
    texts = errors.sentences(
        fa="دسترسی اضطراری شما هنوز برقرار است.",
        en="Your emergency access is still running.",
    )
    hints = errors.sentences(fa="نخست آن را پایان دهید.", en="End it first.")


class StaffSessionInvalid(SessionInvalid):
    """The refresh token of an operator or cashier is none of ours, or its session is over."""

    hints = _SIGN_IN_AGAIN


class StaffSessionExpired(SessionExpired):
    """Its session has reached its end, or nothing was asked in it for too long."""

    hints = _SIGN_IN_AGAIN


class EnrolmentInvalid(errors.DomainError):
    """The invitation's code is wrong, used or too old."""

    code = "ENROLMENT_INVALID"
    texts = errors.sentences(
        fa="کد دعوت درست نیست یا زمان آن گذشته است.",
        en="The invitation's code is wrong, or its time has passed.",
    )
    hints = errors.sentences(
        fa="کد پیامک‌شده را دوباره وارد کنید یا دعوت تازه بخواهید.",
        en="Enter the code of the message again, or ask for a new invitation.",
    )


class DeviceCodeInvalid(errors.DomainError):
    """The code for a store's device is wrong, used or too old."""

    code = "DEVICE_CODE_INVALID"
    texts = errors.sentences(
        fa="کد ثبت دستگاه درست نیست یا زمان آن گذشته است.",
        en="The device's code is wrong, or its time has passed.",
    )
    hints = errors.sentences(
        fa="کد را دوباره وارد کنید یا از کارشناس فروشگاه‌ها کد تازه بگیرید.",
        en="Enter the code again, or get a new one from the store manager.",
    )


class TooManyOfStore(errors.DomainError):
    """The store has as many cashiers or devices as it may."""

    code = "TOO_MANY_OF_STORE"
    texts = errors.sentences(
        fa="این فروشگاه بیش از {most} مورد نمی‌تواند داشته باشد.",
        en="This store may have {most} of them at most.",
    )
    hints = errors.sentences(
        fa="نخست یکی از موردهای پیشین را ببندید.", en="Close one of the others first."
    )


class FirstAdministratorsThere(errors.DomainError):
    """Two administrators are there: from here on accounts are made by one and granted by another."""

    code = "FIRST_ADMINISTRATORS_THERE"
    texts = errors.sentences(
        fa="دو مدیر سامانه هست؛ از خط فرمان حساب دیگری ساخته نمی‌شود.",
        en="There are two administrators: no other account is made on the command line.",
    )
    hints = errors.sentences(
        fa="یکی از مدیران حساب را درخواست کند و دیگری تأیید کند.",
        en="Let one administrator ask for the account, and the other grant it.",
    )


class SuspendedAdministratorsThere(FirstAdministratorsThere):
    """There are two with those who are suspended or invited anew: one of two could otherwise make a second person."""

    code = "SUSPENDED_ADMINISTRATORS_THERE"
    texts = errors.sentences(
        fa="با مدیران تعلیق‌شده دو مدیر سامانه هست؛ از خط فرمان حساب دیگری ساخته نمی‌شود.",
        en="With those suspended or invited anew there are two administrators: no other is made on the command line.",
    )
    hints = errors.sentences(
        fa="اگر مدیران واقعاً از دست رفته‌اند، --recover و دلیل را بدهید؛ به همهٔ مدیران و حسابرسان پیام می‌رود.",
        en="Where they are really lost, give --recover and a reason; all administrators and auditors are told.",
    )
