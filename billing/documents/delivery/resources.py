"""What is queued, sent when somebody asks for it and not by the clock."""

from typing import Annotated

from billing.documents.delivery.delivering import Which, deliver, unsent_papers
from billing.documents.delivery.queue_pass import DeliveryReport
from billing.frame.http.deferring import job_progress, may_be_job
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, acts
from billing.frame.shapes import Count, Shape, Text, about

_MS_A_PAPER = 20
blueprint = ApiBlueprint("delivery passes", __name__, url_prefix="/v1", description="Mails, sent now")


class DeliveryPass(Shape, frozen=True):
    """The outcome of one pass over what is queued."""

    sent: Annotated[Count, about("Mails that left")]
    rendered: Annotated[Count, about("Papers that were rendered for it")]
    queued: Annotated[Count, about("Papers that are still queued")]
    failed: Annotated[Count, about("Papers that failed for good: a person must look at them")]
    failures: Annotated[list[str], about("What could not be sent, each with the reason")]
    missed: Annotated[list[str], about("Mails that did not reach all of a tenant's addresses, each with the reasons")]
    stopped: Annotated[Text | None, about("Why it was stopped, the rest staying queued; null: it was not")]

    @classmethod
    def of(cls, report: DeliveryReport) -> "DeliveryPass":
        """Return the shape of a pass's report."""
        return cls(
            sent=report.sent,
            rendered=report.rendered,
            queued=report.queued,
            failed=report.failed,
            failures=[str(failure) for failure in report.failures],
            missed=list(report.missed),
            stopped=report.unavailable,
        )


@blueprint.route("/deliveries", methods=["POST"])
@blueprint.response(200, DeliveryPass)
@may_be_job(lambda connection: _MS_A_PAPER * unsent_papers(connection))
@acts
def deliver_queued() -> Answer:
    """Render and send what is queued, each mail at most once; what fails stays queued with its reason."""
    own = service()
    report = deliver(own.settings, acting_engine(), clock=own.clock, which=Which.UNSENT, progress=job_progress())
    return Answer(DeliveryPass.of(report))
