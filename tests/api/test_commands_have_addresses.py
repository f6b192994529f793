"""Whatever a command does, the API does: each command of the tree has its operations, or a reason why it has none.

A command in neither table fails; so does one whose format no operation of its own answers.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest

from billing.cli.program import main
from tests.support.api import Caller

# Commands, and the operations that do the same: ids of the OpenAPI document.
COUNTERPARTS: Mapping[str, str] = {
    "check": "checkDatabase",
    "import": "importNetwork",
    "network template": "getNetworkTemplate",
    "sites occupancy": "getOccupancy",
    "run": "createRun previewRun reviewRun getReview",
    "holds add": "createRunHold",
    "holds list": "listRunHolds",
    "holds release": "releaseRunHold",
    "usage void": "voidUsageEvent",
    "leases remove": "createLeaseRemoval",
    "documents explain": "getDocumentExplanation",
    "documents issue": "createOneOffInvoice",
    "documents list": "listDocuments",
    "documents pdf": "getDocumentPdf",
    "documents xml": "getDocumentXml",
    "documents resend": "resendDocument",
    "documents show": "getDocument",
    "tenants list": "listTenantSummaries",
    "tenants show": "getTenantSummary",
    "deliver": "deliverQueued",
    "deliveries list": "listDeliveries listMessages",
    "deliveries settle": "settleUnknownDeliveries",
    "credit-notes give": "createCreditNote",
    "credit-notes left": "getCreditable",
    "credit-notes list": "listCreditNotes",
    "payments acknowledge": "getAcknowledgement",
    "payments allocate": "createAllocation",
    "payments apply": "applyAllCredits",
    "payments bounce": "bounceReceipt",
    "payments cancel": "cancelReceived cancelRefunded cancelRecovered cancelDepositMovement",
    "payments certificate": "createCertificate",
    "payments certificates": "listWithholdings",
    "payments clear": "clearReceipt",
    "payments list": "listReceipts",
    "payments place": "createPlacement",
    "payments receive": "createReceipt createReceipts",
    "payments refund": "createRefund",
    "payments show": "getReceipt",
    "payments undo": "undoReceived undoAllocation",
    "payments withdraw": "createWithdrawal",
    "payments withdraw-certificate": "withdrawReceivedCertificate",
    "deposits ask": "createDeposit",
    "deposits close": "createFinalStatement",
    "deposits give-back": "createDepositMovement",
    "deposits list": "listDeposits getDeposit",
    "deposits paper": "getDepositCall getFinalStatementPaper",
    "deposits receive": "createDepositMovement",
    "deposits set-off": "createDepositSetOff",
    "cash list": "listCashReceipts",
    "cash paper": "getCashReceiptPaper",
    "debts decide": "createDebtAct",
    "debts list": "listDebtActs",
    "debts show": "getDebt",
    "dunning dispute": "createHold",
    "dunning due": "getDueReminders getReminderPreview",
    "dunning end": "endOneHold",
    "dunning history": "listReminders",
    "dunning holds": "listHolds",
    "dunning interest": "createInterestClause listInterestClauses",
    "dunning letter": "getLetterPreview",
    "dunning promise": "createHold",
    "dunning send": "createReminders",
    "take-on": "takeOn getTakeOn",
    "statements accept": "createLineDecision createAcceptance",
    "statements ignore": "createLineDecision",
    "statements import": "createStatement",
    "statements lines": "listStatementLines getStatementLine",
    "statements list": "listStatements getStatement",
    "statements reconcile": "getReconciliation getReconciliationFile",
    "statements undo": "createLineDecision",
    "statements waiting": "getWaitingLines",
    "statements withdraw": "createStatementWithdrawal",
    "forecast": "createForecast getForecast getForecastTable",
    "forecast assumptions": "getAssumptions",
    "forecast dial": "readAdmissionDial",
    "forecast what-if": "askWhatIf",
    "tier-changes announce": "createTierChangeNotices",
    "tier-changes letter": "getTierChangeLetter",
    "tier-changes list": "getTierChanges getTierChangesTable",
    "tier-changes show": "getTenantTierChange",
    "cross-subsidy account": "getAccount getAccountPage",
    "cross-subsidy send": "sendDueAccounts",
    "export cross-subsidy": "getCrossSubsidy",
    "export documents": "getDocumentExport",
    "export funding-matrix": "getFundingMatrix",
    "export journal": "getExport",
    "export trial-balance": "getTrialBalance",
    "applications accept": "decideApplication",
    "applications admit": "admitApplication",
    "applications decline": "decideApplication",
    "applications list": "listApplications",
    "applications show": "getApplication getProspect",
    "applications wait": "decideApplication",
    "applications withdraw": "decideApplication",
    "sites waiting-list": "getWaitingList",
    "report aged-balance": "getAgedBalance",
    "report auxiliary-balance": "getReport",
    "report centralised-journal": "getReport",
    "report cross-subsidy-year": "getCrossSubsidyYear getCrossSubsidyYearPaper getCrossSubsidyYearWorkbook",
    "report grants": "getGrantsYear getGrantsYearPaper getGrantsYearWorkbook",
    "report indicators": "getIndicators getIndicatorsPaper getIndicatorsWorkbook",
    "report journal": "getReport",
    "report ledger": "getReport",
    "report missing-certificates": "getMissingCertificates",
    "report open-items": "getOpenItems",
    "report receipts": "getReceiptsJournal",
    "report statement": "getTenantStatement",
    "report trial-balance": "getReport",
    "report unplaced-receipts": "getUnplacedReceipts",
    "report vat-not-due": "getVatNotDue",
    "report vat-return": "getVatReturn",
    "periods close": "closeOnePeriod",
    "periods close-year": "closeFiscalYear",
    "periods cut-off": "getCutOff createCutOff",
    "periods list": "listClosings getPeriod",
    "periods reopen": "reopenOnePeriod",
    "periods undo-year": "undoFiscalYear",
    "entries list": "listManualEntries",
    "entries post": "postManualEntries",
    "entries reverse": "reverseManualEntry",
    "entries show": "getManualEntry",
    "entries template": "getEntryTemplates getEntryTemplate",
    "entries voucher": "getVoucherFile",
    "proof accept-cosigned": "takeCosignatures",
    "proof checkpoint": "signCheckpoint publishCheckpoint",
    "proof consistency": "getConsistency",
    "proof export": "getProofExport",
    "proof inclusion": "getInclusion",
    "proof witness-request": "getWitnessRequest",
    "proof witnesses": "listCosignatures",
    "trail": "getTrail",
    "audit-bundle": "getAuditBundle",
    "webhooks add": "createWebhookEndpoint",
    "webhooks change": "changeWebhookEndpoint",
    "webhooks deliveries": "listWebhookAttempts",
    "webhooks disable": "changeWebhookEndpoint",
    "webhooks enable": "changeWebhookEndpoint",
    "webhooks list": "listWebhookEndpoints",
    "webhooks remove": "removeWebhookEndpoint",
    "webhooks replay": "replayWebhookEndpoint",
    "webhooks show": "getWebhookEndpoint",
    "approvals approve": "approveOrder",
    "approvals list": "listApprovals",
    "approvals refuse": "refuseOrder",
    "approvals show": "getApproval",
    "users add": "createUser",
    "users change": "changeOneUser",
    "users disable": "changeOneUser",
    "users list": "listUsers",
    "token list": "listTokens",
    "token revoke": "revokeOneToken",
    "privacy erase": "erasePersonalData",
    "privacy export": "getPersonalData",
}
NONE: Mapping[str, str] = {
    "migrate": "makes the schema that the API needs, as the owner of the database",
    "serve": "is the API",
    "backup": "is the operator's, at the host: it reads what no answer shows, and writes a folder there",
    "restore": "makes the database that the API needs, with the service stopped",
    "sync salesforce": "is a pass of the clock, which asks another system for minutes",
    "sync folder": "is a pass of the clock, which asks another system for minutes",
    "scheduler": "is a process of its own; what it does by the clock has its commands",
    "demo": "makes a database of its own, to be looked at",
    "users password": "no secret of a person travels through the API",
    "token create": "no secret of a person travels through the API",
    "proof new-key": "the key that signs never leaves its machine",
    "proof verify": "proves an export without trusting the service that gave it",
    "proof append": "is done by every checkpoint and proof, and each minute by the clock",
    "webhooks deliver": "is a pass of the clock, which never waits for more than a minute",
}
# Formats that an address answers as something else, and why.
OTHERWISE: Mapping[tuple[str, str], str] = {
    ("applications list", "csv"): "the register's lists are JSON, page by page",
    ("applications list", "xlsx"): "the register's lists are JSON, page by page",
    ("network template", "csv"): "files are sent as one archive",
    ("forecast dial", "csv"): "a POST answers JSON",
    ("forecast dial", "xlsx"): "a POST answers JSON",
    ("forecast what-if", "csv"): "a POST answers JSON",
    ("forecast what-if", "xlsx"): "a POST answers JSON",
}
# How formats are named in media types; what people read on a terminal is JSON here.
MEDIA = {
    "table": "json", "text": "json", "csv": "csv", "xlsx": "spreadsheetml", "pdf": "pdf", "html": "html",
    "json": "json", "parquet": "parquet", "fec": "text/plain", "fec-analytic": "text/plain", "hledger": "text/plain",
    "beancount": "text/plain",
}  # fmt: skip


def commands(command: click.Command, context: click.Context, words: tuple[str, ...] = ()) -> Iterator[Any]:
    """Every command that does something, by the words it is called with."""
    if not isinstance(command, click.Group) or (words and command.invoke_without_command):
        yield " ".join(words), command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, context, (*words, name))


@pytest.fixture(scope="module")
def tree() -> dict[str, click.Command]:
    return dict(commands(main, click.Context(main)))


def test_each_command_has_its_counterpart_or_a_reason_for_none(ground: Caller, tree: dict[str, click.Command]) -> None:
    assert COUNTERPARTS.keys() & NONE.keys() == set()
    assert tree.keys() == COUNTERPARTS.keys() | NONE.keys()
    paths = ground.get("/openapi.json", None)["paths"]
    told = {
        doc["operationId"]: doc
        for item in paths.values()
        for method, doc in item.items()
        if method in ("get", "post", "patch")
    }
    for words, operations in COUNTERPARTS.items():
        assert set(operations.split()) <= told.keys(), words
        types = {
            media_type
            for operation in operations.split()
            for status, answer in told[operation]["responses"].items()
            if status.startswith("2")
            for media_type in answer["content"]
        }
        for option in tree[words].params:
            for chosen in option.type.choices if option.name == "format_name" else ():  # type: ignore[attr-defined]
                answered = any(MEDIA[chosen] in media_type for media_type in types)
                assert answered != ((words, chosen) in OTHERWISE), (words, chosen)
