"""What is refused of an approval; what the rules of `domain` themselves raise stands there."""

from backend.approvals.domain import ApprovalVoid
from backend.core.errors import BadUserInput, DomainError, sentences


class ApprovalAltered(ApprovalVoid):
    """The row is not what its maker wrote: somebody has changed it in the database."""

    texts = sentences(
        fa="متن این درخواست با آنچه درخواست‌کننده نوشته بود یکی نیست.",
        en="The request is not what its maker wrote.",
    )
    hints = sentences(
        fa="اجرا نمی‌شود؛ به حسابرس خبر دهید.",
        en="It is not carried out; tell an auditor.",
    )


class ApprovalGivenUp(DomainError):
    """Worker after worker failed at it."""

    code = "APPROVAL_GIVEN_UP"
    texts = sentences(
        fa="اجرای این درخواست بارها شکست خورد و چیزی تغییر نکرد.",
        en="Carrying it out failed again and again, and nothing was changed.",
    )
    hints = sentences(
        fa="به پشتیبان فنی خبر دهید و پس از رفع اشکال دوباره درخواست دهید.",
        en="Tell the technical support, and ask again when the fault is gone.",
    )


class ApprovalClosed(DomainError):
    """Somebody has decided already, or its time is over."""

    code = "APPROVAL_CLOSED"
    texts = sentences(
        fa="دربارهٔ این درخواست پیش‌تر تصمیم گرفته شده یا مهلت آن گذشته است.",
        en="This request is decided already, or its time is over.",
    )
    hints = sentences(
        fa="فهرست را تازه کنید تا نتیجه را ببینید.",
        en="Refresh the list to see what became of it.",
    )


class ApprovalAlreadyAsked(DomainError):
    """The same thing waits already."""

    code = "APPROVAL_ALREADY_ASKED"
    texts = sentences(
        fa="همین کار برای همین مورد درخواست شده و هنوز انجام نشده است.",
        en="The same was asked for already, and is not done yet.",
    )
    hints = sentences(
        fa="منتظر تصمیم بمانید یا درخواست پیشین را پس بگیرید.",
        en="Wait for the decision, or withdraw the former request.",
    )


class ApprovalNotAsShown(BadUserInput):
    """The digest that the approver saw is not that of the question."""

    texts = sentences(
        fa="این درخواست همان چیزی نیست که به شما نشان داده شده بود.",
        en="This request is not what you were shown.",
    )
    hints = sentences(
        fa="درخواست را دوباره باز کنید، بخوانید و سپس تأیید کنید.",
        en="Open the request again, read it, and then approve.",
    )


class GrantInEmergency(DomainError):
    """Who grants has the permission by an emergency alone."""

    code = "GRANT_IN_EMERGENCY"
    texts = sentences(
        fa="با دسترسی اضطراری نمی‌توان درخواستی را تأیید کرد.",
        en="An emergency grants no approval.",
    )
    hints = sentences(
        fa="تأیید را به همکاری بسپارید که این دسترسی را با نقش خود دارد.",
        en="Leave the decision to a colleague who has the permission by role.",
    )
