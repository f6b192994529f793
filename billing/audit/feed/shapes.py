"""The shapes of the feed."""

from typing import Annotated, Any

from msgspec import Meta

from billing.frame.shapes import Instant, Shape, Text, about

# The act, the kind of happening within it, and the number of what happened.
CURSOR = r"^(0|[1-9][0-9]{0,17})\.[0-9]\.(0|[1-9][0-9]{0,17})$"


class EventSubject(Shape, frozen=True):
    """The thing that an event happened to."""

    kind: Annotated[Text, about("The kind of thing: document, tenant, receipt")]
    id: Annotated[Text, about("Its name for people: FA-2026-000001, T0042, RG-000012")]


class Event(Shape, frozen=True):
    """Something that happened. Its `id` stays for ever."""

    id: Annotated[str, Meta(pattern=CURSOR, description="Its own cursor", examples=["248.1.433"])]
    at: Annotated[Instant, about("When it was written")]
    type: Annotated[Text, about("The kind of event: document.issued, receipt.recorded, tenant.changed")]
    subject: Annotated[EventSubject, about("The thing it happened to")]
    actor: Annotated[Text, about("The user, where one is known; else the token, the system's user, the scheduler")]
    data: Annotated[
        dict[str, Any],
        about("Its main values; of a change `before` and `after`, null where there was none"),
    ]


class Events(Shape, frozen=True):
    """Events in the order of commits."""

    items: Annotated[list[Event], about("The events, oldest first; empty: nothing yet")]
    cursor: Annotated[
        str,
        Meta(pattern=CURSOR, description="`after` of the next call, even if this one gave nothing", examples=["0.0.0"]),
    ]
