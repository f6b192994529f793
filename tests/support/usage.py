"""Usage events voided, told in one call."""

from billing.frame.database import writing
from billing.run.usage_voids.voiding import VoidOrder, void_events
from tests.oracle.service import NOW
from tests.support.park import Park


def voids(park: Park, *event_ids: str, reason: str = "saisi deux fois") -> None:
    with writing(park.engine) as connection:
        void_events(connection, [VoidOrder(event_id, reason) for event_id in event_ids], recorded_at=NOW)
