"""The remedy of each kind of problem, for programs (JSON) and as a page for people; a page of plain text as well."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from billing.frame.fault_codes import CODES
from billing.frame.http.problems import PATH, Kind

# By the end of the problem's type.
REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "malformed": "Send the body as JSON in UTF-8; `detail` says where it can't be read.",
        "unauthenticated": "Send `Authorization: Bearer TOKEN`, with a token that is neither expired nor revoked.",
        "forbidden": "Ask an administrator for a token of the scope that `detail` names, or bound to that site.",
        "not-found": "Check the name; the list of its resource has those there are.",
        "method-not-allowed": "Use one of the methods that the header `Allow` lists.",
        "conflict": "Read what stands (GET), and decide: a row that exists is changed by PATCH, never by POST.",
        "run-refused": "Do first what `detail` names: months are run in order, and each once.",
        "period": "Date it in an open month, or ask for the month to be reopened; `/v1/periods` lists them.",
        "proof": "See `detail`: a checkpoint of that size may not be signed yet.",
        "changed-meanwhile": "GET it again, see what changed, and send the change with the `ETag` of that answer.",
        "too-large": "Send less at once, or in several requests; `detail` says how much is taken.",
        "unsupported-media-type": "Send `Content-Type: application/json`, or a type that the document lists there.",
        "validation": "Mend each field in `errors`; the document (`/docs`) says what each may hold.",
        "refused": "Mend each field in `errors`: each says what is wrong and what to do. Nothing was written.",
        "unpriceable": "Enter the price or VAT rate that `detail` names, then ask again.",
        "too-long": "Ask for fewer days or lines, or for a format without that limit, such as csv.",
        "reason-required": "Say why: `reason` in the body where the document lists it, or the header `X-Reason`.",
        "idempotency-key-reused": "Use a key of its own for each request; the same key repeats the same request.",
        "internal": "Nothing was written. Report it with the request's id (`instance`).",
        "rendering-failed": "Nothing is lost: the document stands. Report it with the request's id.",
        "document-file": "The operator must restore the file; `technopark-billing check` names all that are amiss.",
        "too-slow": "Send the body at once, over a connection that holds; what was begun was not done.",
        "length-required": "Send the header `Content-Length`: pieces that break off look like a whole.",
        "unknown-version": "Send a version that `detail` names in `API-Version`, or none; see `/docs/changes`.",
        "not-acceptable": "Ask for a type that `detail` names (`Accept`), or by the parameter `format`.",
        "too-many-requests": "Wait the seconds in `Retry-After`; ask for more at once (batches, `limit=500`).",
        "busy": "Try again after the seconds in `Retry-After`; ask for less at the same time.",
        "gone": "Ask for it again: results of jobs are kept for a day.",
        "unavailable": "Try again after the seconds in `Retry-After`; `/readyz` says when the database answers.",
        "schema-not-ready": "The operator must run `technopark-billing migrate`.",
    }
)
# The kinds of problem that list fields at fault, each with a code.
WITH_CODES = frozenset({"validation", "refused", "conflict"})
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto;
padding: 0 1rem; }} code {{ background: #f3f3f3; }}</style></head>
<body>{content}<p><a href="/docs">The API</a></p>
</body></html>
"""


def page(kind: Kind) -> str:
    """Return the page of a kind of problem."""
    content = f"<h1>{escape(kind.title)}</h1><p>{_marked(REMEDIES[kind.slug])}</p>"
    rows = "".join(f"<dt><code>{code}</code></dt><dd>{escape(meaning)}</dd>" for code, meaning in codes(kind).items())
    listed = f"<p>Each item of <code>errors</code> has a <code>code</code>:</p><dl>{rows}</dl>" if rows else ""
    said = f"{listed}<p><code>{PATH}{kind.slug}</code>, status {kind.status}</p>"
    return _PAGE.format(title=escape(kind.title), content=content + said)


def codes(kind: Kind) -> dict[str, str]:
    """Return the codes that fields at fault may have in a kind of problem, each with its meaning."""
    return {each.code: each.meaning for each in CODES} if kind.slug in WITH_CODES else {}


def page_of(text: str) -> str:
    """Return a page of a text with headings (`#`), paragraphs and lists (`-`), parted by blank lines."""
    title, *blocks = text.strip().split("\n\n")
    content = [f"<h1>{_marked(title.removeprefix('# '))}</h1>"]
    for block in blocks:
        if block.startswith("## "):
            content.append(f"<h2>{_marked(block.removeprefix('## '))}</h2>")
        elif block.startswith("- "):
            items = block.removeprefix("- ").split("\n- ")
            content.append(f"<ul>{''.join(f'<li>{_marked(item)}</li>' for item in items)}</ul>")
        else:
            content.append(f"<p>{_marked(block)}</p>")
    return _PAGE.format(title=escape(title.removeprefix("# ")), content="".join(content))


def _marked(text: str) -> str:
    """Return text with what stands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
