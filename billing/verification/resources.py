"""The public addresses of papers: what stands of one, its proof, and the program that checks it."""

from flask import Response, request
from sqlalchemy import Connection

from billing.frame.http.authentication import EVERYBODY, opened_to
from billing.frame.http.openapi import TEXT, ApiBlueprint
from billing.frame.http.pages import HTML, html_page
from billing.frame.http.service import service
from billing.frame.http.transactions import reads
from billing.frame.shapes import indented
from billing.proof.export import verifier_source
from billing.verification.page import paper_page, unknown_page
from billing.verification.papers import find_paper
from billing.verification.proofs import proof_shape, prove_paper
from billing.verification.shapes import PaperProof
from invoices.formats import FRENCH
from invoices.wording import LANGUAGES

_PROGRAM = "text/x-python; charset=utf-8"
_TOKEN = [{"in": "path", "name": "token", "example": "a" * 24}]

blueprint = ApiBlueprint("verification", __name__, description="Papers, verified by whoever holds them")


@blueprint.route("/verify/<string:token>", parameters=_TOKEN)
@blueprint.response(200, TEXT, content_type=HTML)
@blueprint.alt_response(404, schema=TEXT, content_type=HTML)
@opened_to(EVERYBODY)
@reads
def verify_paper(connection: Connection, token: str) -> Response:
    """The page of a paper, for whoever holds it: number, day, total, state, and its place in the signed log.

    In the language of `Accept-Language`, or that of `?lang=fr`, `ar` or `en`.
    """
    today = service().today()
    paper = find_paper(connection, token, today)
    if paper is None:
        return _page(unknown_page(_language()), 404)
    seller = service().settings.operator.party.legal_name
    return _page(paper_page(paper, prove_paper(connection, paper, token), seller, today, _language()), 200)


@blueprint.route("/verify/<string:token>/proof", parameters=_TOKEN)
@blueprint.response(200, PaperProof)
@blueprint.alt_response(404, schema=TEXT, content_type=HTML)
@opened_to(EVERYBODY)
@reads
def get_paper_proof(connection: Connection, token: str) -> Response:
    """The proof of a paper, to be kept and checked offline: its records' hashes, their paths, the checkpoint."""
    paper = find_paper(connection, token, service().today())
    proof = None if paper is None else prove_paper(connection, paper, token)
    if proof is None:
        return _page(unknown_page(_language()), 404)
    answer = Response(indented(proof_shape(proof)), content_type="application/json")
    answer.headers.set("Content-Disposition", "attachment", filename=proof.file_name)
    return answer


@blueprint.route("/verify_books.py")
@blueprint.response(200, TEXT, content_type=_PROGRAM)
@opened_to(EVERYBODY)
def get_verifier() -> Response:
    """The program that checks proofs and exports of the books offline, for whoever holds a paper."""
    return Response(verifier_source(), content_type=_PROGRAM)


def _language() -> str:
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES, FRENCH)


def _page(html: str, status: int) -> Response:
    return html_page(html, status, {"X-Robots-Tag": "noindex, nofollow", "Vary": "Accept-Language"})
