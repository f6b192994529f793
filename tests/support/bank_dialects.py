"""Statements in the dialects of banks: the fields that some leave out, repeat, or fill in their own way; invented."""

from datetime import date

from tests.support.bank_files import RIB, camt

ON = date(2026, 11, 16)


def swift(*fields: str, opening: str = "1000,00", closing: str, number: str = "1/1", behind: str = "") -> bytes:
    """An MT940 message of one day, with these movements; `behind` is what stands behind the closing balance."""
    lines = [
        ":20:R1", f":25:{RIB}", f":28C:{number}", f":60F:C261116MAD{opening}", *fields, f":62F:C261116MAD{closing}",
    ]  # fmt: skip
    return ("\n".join([*lines, *([behind] if behind else []), "-"]) + "\n").encode()


def one_entry(inner: str, amount: str = "3480.00", *, opening: int = 100_000, closing: int = 448_000) -> bytes:
    """A camt.053 of one credit of that amount; `inner` stands behind its days."""
    movement = (
        f'<Ntry><Amt Ccy="MAD">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        f"<BookgDt><Dt>{ON}</Dt></BookgDt><ValDt><Dt>{ON}</Dt></ValDt>{inner}</Ntry>"
    )
    return camt([movement], opening=opening, closing=closing, on=ON, version=2)


def details(*parts: str) -> str:
    """The details of an entry."""
    return f"<NtryDtls>{''.join(f'<TxDtls>{part}</TxDtls>' for part in parts)}</NtryDtls>"


# Each was read before these dialects were known, though less of it; none bears a reference of the bank.
READ_BEFORE = {
    "numbered sub-fields": swift(
        ":61:2611161116C4350,00NTRFNONREF",
        ":86:166?00VIREMENT RECU?10931?20LOYER?21NOVEMBRE?32HOLDING XYZ?33SARL?60RF48FA2026\n?61000011",
        closing="5350,00",
    ),
    "numbered without a code": swift(
        ":61:2611161116C3480,00NTRFLOYER", ":86:?20LOYER NOV?21EMBRE?32NOOR SANTE", closing="4480,00"
    ),
    "numbered by another sign": swift(
        ":61:2611161116C3480,00NTRFNONREF", ":86:000>100000>20LOYER >21NOVEMBRE>310454545454", closing="4480,00"
    ),
    "a question mark in a numbered text": swift(
        ":61:2611161116C3480,00NTRFNONREF", ":86:166?20LOYER PAYE? OUI?21NOVEMBRE", closing="4480,00"
    ),
    "parts of a purpose": swift(
        ":61:2611161116C3480,00NTRFNONREF",
        ":86:166?00GUTSCHRIFT?20VORAB EREF+NOOR-118 ?21MREF+M1 SVWZ+LOYER ?22NOVEMBREABWA+HOLDING?32NOOR SANTE",
        closing="4480,00",
    ),
    "named sub-fields": swift(
        ":61:261116C3480,00N541EREF",
        ":86:/EREF/NOOR-118//CSID/MA1//ORDP//NAME/NOOR SANTE/ADDR/CASABLANCA/IBAN/MA41007780000151200000031512\n"
        "/BIC/BCPOMAMC/REMI/LOYER NOVEMBRE",
        closing="4480,00",
    ),
    "a long customer reference": swift(
        ":61:2611161116C3480,00NTRFMA41007780000151200000031512//B771234", ":86:VIR RECU", closing="4480,00"
    ),
    "a text on the whole statement": swift(
        ":61:2611161116C3480,00NTRFNONREF",
        ":86:VIR",
        closing="4480,00",
        behind=":64:C261116MAD4480,00\n:86:INFO DU RELEVE",
    ),
    "no booking day": swift(":61:261114C3480,00NTRFNONREF", ":86:VIR RECU", closing="4480,00"),
    "two structured references": one_entry(
        details(
            "<RmtInf><Ustrd>LOYERS</Ustrd><Strd><CdtrRefInf><Ref>RF48FA2026000011</Ref></CdtrRefInf></Strd>"
            "<Strd><CdtrRefInf><Ref>RF37FA2026000015</Ref></CdtrRefInf></Strd></RmtInf>"
        )
    ),
    "a cheque and the payer behind the payer": one_entry(
        details(
            "<Refs><ChqNb>4411207</ChqNb></Refs><RltdPties><Dbtr><Nm>BANQUE X</Nm></Dbtr>"
            "<UltmtDbtr><Nm>NOOR SANTE</Nm></UltmtDbtr></RltdPties><RmtInf><Ustrd>LOYER</Ustrd></RmtInf>"
        )
    ),
    "details without amounts": one_entry(
        details(
            "<Refs><EndToEndId>E1</EndToEndId></Refs><RltdPties><Dbtr><Nm>NOOR SANTE</Nm></Dbtr></RltdPties>"
            "<RmtInf><Strd><CdtrRefInf><Ref>RF48FA2026000011</Ref></CdtrRefInf></Strd></RmtInf>",
            "<RltdPties><Dbtr><Nm>ZAGORA</Nm></Dbtr></RltdPties><RmtInf><Ustrd>LOYER NOV</Ustrd></RmtInf>",
        )
    ),
}
