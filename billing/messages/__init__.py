"""Mails that are no documents: dunning letters, announcements; queued with what they say, sent like documents.

Whoever has something to tell tenants makes a `Message` of each: its texts in the tenant's language (`MailText`) and
the papers it carries, as texts too (`Paper`, a `Letter` each; none is fine). Within the transaction that decides it

    queued = queue_messages(connection, "window_end", messages, written_on=day, queued_at=now)

keeps them as they are and queues them. A message's `key` says what it is about, and a kind and a key are told once,
ever: what was queued before, by whomever, is left alone and is not among the keys that are given back (each with the
`message.id` it has got; people call it by `number_of`). So whatever facts go with a message are written for those keys
alone. Nothing is printed or sent there.

After COMMIT `billing.documents.delivery.delivering.deliver` (the scheduler, every minute, or
`technopark-billing deliver`) prints the
papers, keeps them and sends the mail: at most one a message, always with the same Message-ID, tried again with growing
pauses; what fails is shown with its reason.
"""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
)
