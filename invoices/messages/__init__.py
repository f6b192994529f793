"""Mails that are no documents: dunning letters, announcements; queued with their texts, sent like documents.

A caller makes a `Message` of each: its texts in the tenant's language (`MailText`) and the papers it carries, as texts
too (`Paper`, a `Letter` each; none is fine). `queueing.queue_messages` stores and queues them within the transaction
that decides them. A message's `key` says what it is about, and a kind and a key are queued once, ever: what was queued
before is left alone and is not among the keys that are given back, so facts that go with a message are written for
those keys alone. Nothing is printed or sent there.

After COMMIT the delivery prints the papers (`papers`), stores them and sends the mail: at most one a message, always
with the same Message-ID, tried again with growing pauses; what fails is shown with its reason.
"""
