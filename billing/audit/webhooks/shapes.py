"""The shapes of webhooks."""

from typing import Annotated, Any, Literal

from sqlalchemy import Row

from billing.audit.webhooks.endpoints import types_of
from billing.frame.codes import WEBHOOK
from billing.frame.shapes import Count, Instant, Serial, Shape, Text, WebhookNumber, about, instant


class WebhookEndpoint(Shape, frozen=True):
    """An address that is told what happens."""

    number: WebhookNumber
    url: Annotated[Text, about("Where webhooks are posted")]
    types: Annotated[list[str], about("The types of event it is told: `receipt.recorded`, `document.*`; none: all")]
    state: Annotated[
        Literal["enabled", "failing", "disabled", "removed"],
        about("failing: the next event is tried again later; disabled: nothing is sent; removed: never again"),
    ]
    told_until: Annotated[Text, about("The cursor of the feed behind which the next event stands")]
    failing_since: Annotated[Instant | None, about("Since when it takes nothing; null: it does")]
    attempts: Annotated[Count, about("The attempts at the next event that failed")]
    next_attempt_at: Annotated[Instant | None, about("When the next event is tried again; null: at once")]
    disabled_at: Annotated[Instant | None, about("When it was disabled; null: it is not")]
    disabled_for: Annotated[Text | None, about("Why it was disabled; null: it is not")]
    created_at: Annotated[Instant, about("When it was added")]
    created_by: Annotated[Text, about("Who added it")]

    @classmethod
    def of(cls, row: Row[Any]) -> "WebhookEndpoint":
        """Return the endpoint whose row is of `queries.endpoints`."""
        return cls(
            number=WEBHOOK.format(row.id),
            url=row.url,
            types=types_of(row),
            state=_state(row),
            told_until=row.told_until,
            failing_since=instant(row.failing_since),
            attempts=row.attempts,
            next_attempt_at=instant(row.next_attempt_at),
            disabled_at=instant(row.disabled_at),
            disabled_for=row.disabled_for,
            created_at=instant(row.created_at),
            created_by=row.created_by,
        )


def _state(row: Row[Any]) -> Literal["enabled", "failing", "disabled", "removed"]:
    if row.removed_at is not None:
        return "removed"
    if row.disabled_at is not None:
        return "disabled"
    return "failing" if row.attempts else "enabled"


class NewWebhookEndpoint(Shape, frozen=True):
    """An endpoint that was added, with its secret, which is shown this once."""

    number: WebhookNumber
    secret: Annotated[
        str, about("What its webhooks are signed with (Standard Webhooks, `whsec_` and base64): keep it safe")
    ]
    endpoint: WebhookEndpoint


class WebhookAttempt(Shape, frozen=True):
    """An attempt to send an event to an endpoint."""

    id: Annotated[Serial, about("Its number")]
    event: Annotated[Text, about("The event's id, as in the feed")]
    type: Annotated[Text, about("The event's type")]
    attempted_at: Annotated[Instant, about("When it was sent")]
    milliseconds: Annotated[Count, about("How long the receiver took")]
    status: Annotated[int | None, about("What it answered (HTTP); null: nothing")]
    failure: Annotated[Text | None, about("Why it did not arrive; null: it did")]

    @classmethod
    def of(cls, row: Row[Any]) -> "WebhookAttempt":
        """Return the attempt whose row is given."""
        return cls(
            id=row.id,
            event=row.event_id,
            type=row.type,
            attempted_at=instant(row.attempted_at),
            milliseconds=row.milliseconds,
            status=row.status,
            failure=row.failure,
        )
