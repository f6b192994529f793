"""The shape of a manual entry."""

from typing import Annotated

from billing.frame.shapes import (
    Account,
    Day,
    Digest,
    Instant,
    ManualEntryNumber,
    Money,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
)


class ManualPosting(Shape, frozen=True):
    """A posting of a manual entry."""

    account: Account
    label: Annotated[Text, about("The account's name, in French")]
    auxiliary: TenantCode | None
    site: SiteCode | None
    debit: Money
    credit: Money


class ManualEntry(Shape, frozen=True):
    """An entry that an accountant made by hand, in journal OD (R30)."""

    number: ManualEntryNumber
    reference: Annotated[Text, about("The reference of its entry in the journal")]
    date: Day
    label: Annotated[Text, about("What it books")]
    voucher: Annotated[Text, about("What it rests on")]
    voucher_sha256: Annotated[Digest | None, about("The voucher file kept with it, by its SHA-256; null: none")]
    voucher_name: Annotated[Text | None, about("That file's name; null: none")]
    reason: Annotated[Text, about("Why it was made")]
    recorded_at: Instant
    amount: Annotated[Money, about("The sum of its debits")]
    postings: Annotated[list[ManualPosting], about("Its postings, in order")]
    reversed_on: Annotated[Day | None, about("The day of the entry that took it back; null: it stands")]
    reversed_for: Annotated[Text | None, about("Why it was taken back; null: it stands")]


class TemplateRow(Shape, frozen=True):
    """A row of a template, as in a file of manual entries."""

    date: Day
    label: Text
    voucher: Annotated[Text, about("Blank: name what the entry rests on")]
    account: Account
    auxiliary: Text
    site: Text
    debit: Annotated[Text, about("Dirhams; blank: on the other side, or not known to the books")]
    credit: Annotated[Text, about("Dirhams; blank: on the other side, or not known to the books")]


class EntryTemplate(Shape, frozen=True):
    """A manual entry to be completed and posted."""

    name: Text
    title: Annotated[Text, about("What it books, in French")]
    rows: Annotated[list[TemplateRow], about("Its rows, in order")]


class EntryTemplates(Shape, frozen=True):
    """The templates of manual entries, with the amounts that the books hold on a day."""

    date: Day
    templates: Annotated[list[EntryTemplate], about("Every template")]


class PostedEntries(Shape, frozen=True):
    """The manual entries of an order, in its order."""

    entries: Annotated[list[ManualEntry], about("Those posted, and those that stood already")]
