"""Bank statements as banks write them: by hand one of each kind, and camt.053 made from lines."""

from collections.abc import Iterable, Mapping
from datetime import date
from xml.sax.saxutils import escape

from pricing.money import format_amount

# The operator's account in the demonstration, and the IBAN that holds it.
RIB = "011780000012345678901234"
IBAN = f"MA64{RIB}"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version:02d}"

# Version 02 as Moroccan banks send it: accents, a batch of two transfers, a commission, a movement not booked yet, a
# transfer given back.
CAMT_02 = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">
 <BkToCstmrStmt>
  <GrpHdr><MsgId>CAM20261103-1</MsgId><CreDtTm>2026-11-04T02:11:07+01:00</CreDtTm></GrpHdr>
  <Stmt>
   <Id>REL-2026-211</Id>
   <ElctrncSeqNb>211</ElctrncSeqNb>
   <CreDtTm>2026-11-04T02:11:07+01:00</CreDtTm>
   <Acct>
    <Id><Othr><Id>011 780 0000123456789012 34</Id></Othr></Id>
    <Ccy>MAD</Ccy>
    <Ownr><Nm>Société de Gestion des Parcs Technologiques</Nm></Ownr>
   </Acct>
   <Bal>
    <Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp>
    <Amt Ccy="MAD">10000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-03</Dt></Dt>
   </Bal>
   <Bal>
    <Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp>
    <Amt Ccy="MAD">15804.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-03</Dt></Dt>
   </Bal>
   <Bal>
    <Tp><CdOrPrtry><Cd>CLAV</Cd></CdOrPrtry></Tp>
    <Amt Ccy="MAD">15804.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-03</Dt></Dt>
   </Bal>
   <Ntry>
    <Amt Ccy="MAD">2815.15</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
    <BookgDt><Dt>2026-11-03</Dt></BookgDt><ValDt><Dt>2026-11-04</Dt></ValDt>
    <AcctSvcrRef>VR26307000411</AcctSvcrRef>
    <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
    <NtryDtls><TxDtls>
     <Refs><EndToEndId>NOOR-2026-118</EndToEndId></Refs>
     <RltdPties>
      <Dbtr><Nm>Noor Santé SARL AU</Nm></Dbtr>
      <DbtrAcct><Id><IBAN>MA41 0077 8000 0151 2000 0003 1512</IBAN></Id></DbtrAcct>
      <Cdtr><Nm>Société de Gestion des Parcs Technologiques</Nm></Cdtr>
     </RltdPties>
     <RmtInf>
      <Ustrd>Règlement loyer et repas</Ustrd>
      <Strd><CdtrRefInf>
       <Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF21FA2026000012</Ref>
      </CdtrRefInf></Strd>
     </RmtInf>
    </TxDtls></NtryDtls>
    <AddtlNtryInf>VIREMENT RECU</AddtlNtryInf>
   </Ntry>
   <Ntry>
    <Amt Ccy="MAD">4000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
    <BookgDt><DtTm>2026-11-03T16:40:00</DtTm></BookgDt>
    <AcctSvcrRef>LOT26307</AcctSvcrRef>
    <NtryDtls>
     <Btch><NbOfTxs>2</NbOfTxs></Btch>
     <TxDtls>
      <Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
      <AmtDtls><TxAmt><Amt Ccy="MAD">1500.00</Amt></TxAmt></AmtDtls>
      <RltdPties><Dbtr><Nm>ATLAS CODE</Nm></Dbtr></RltdPties>
      <RmtInf><Ustrd>FACTURE FA-2026-</Ustrd><Ustrd>000031</Ustrd></RmtInf>
     </TxDtls>
     <TxDtls>
      <Refs><AcctSvcrRef>VR26307000999</AcctSvcrRef></Refs>
      <AmtDtls><TxAmt><Amt Ccy="MAD">2500.00</Amt></TxAmt></AmtDtls>
      <RltdPties><Dbtr><Nm>Yasmine Design</Nm></Dbtr></RltdPties>
     </TxDtls>
    </NtryDtls>
   </Ntry>
   <Ntry>
    <Amt Ccy="MAD">10.65</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>
    <BookgDt><Dt>2026-11-03</Dt></BookgDt><ValDt><Dt>2026-11-03</Dt></ValDt>
    <BkTxCd><Prtry><Cd>COM</Cd></Prtry></BkTxCd>
    <AddtlNtryInf>COMMISSION SUR VIREMENT TVA INCLUSE</AddtlNtryInf>
   </Ntry>
   <Ntry>
    <Amt Ccy="MAD">999.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts>
    <BookgDt><Dt>2026-11-03</Dt></BookgDt>
   </Ntry>
   <Ntry>
    <Amt Ccy="MAD">1000.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts>BOOK</Sts>
    <BookgDt><Dt>2026-11-03</Dt></BookgDt><ValDt><Dt>2026-11-02</Dt></ValDt>
    <AcctSvcrRef>AN26307000002</AcctSvcrRef>
    <NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Sahara Énergie</Nm></Dbtr></RltdPties></TxDtls></NtryDtls>
    <AddtlNtryInf>ANNULATION VIREMENT RECU</AddtlNtryInf>
   </Ntry>
  </Stmt>
 </BkToCstmrStmt>
</Document>
"""

# Version 08: a status and parties with elements of their own; charges kept by the bank; the balance of the day before.
CAMT_08 = f"""<?xml version="1.0" encoding="UTF-8"?>
<n:Document xmlns:n="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
 <n:BkToCstmrStmt><n:Stmt>
  <n:Id>S-212</n:Id>
  <n:Acct><n:Id><n:IBAN>{IBAN}</n:IBAN></n:Id></n:Acct>
  <n:Bal><n:Tp><n:CdOrPrtry><n:Cd>PRCD</n:Cd></n:CdOrPrtry></n:Tp><n:Amt Ccy="MAD">15804.50</n:Amt>
   <n:CdtDbtInd>CRDT</n:CdtDbtInd><n:Dt><n:Dt>2026-11-03</n:Dt></n:Dt></n:Bal>
  <n:Bal><n:Tp><n:CdOrPrtry><n:Cd>CLBD</n:Cd></n:CdOrPrtry></n:Tp><n:Amt Ccy="MAD">16779.5</n:Amt>
   <n:CdtDbtInd>CRDT</n:CdtDbtInd><n:Dt><n:DtTm>2026-11-04T23:59:59</n:DtTm></n:Dt></n:Bal>
  <!-- what follows is one batch, of which the bank has kept 25.00 -->
  <n:Ntry>
   <n:Amt Ccy="MAD">975.00</n:Amt><n:CdtDbtInd>CRDT</n:CdtDbtInd><n:Sts><n:Cd>BOOK</n:Cd></n:Sts>
   <n:BookgDt><n:Dt>2026-11-04</n:Dt></n:BookgDt><n:AcctSvcrRef>B1</n:AcctSvcrRef>
   <n:NtryDtls>
    <n:TxDtls><n:Amt Ccy="MAD">600.00</n:Amt><n:CdtDbtInd>CRDT</n:CdtDbtInd>
     <n:Chrgs><n:Rcrd><n:Amt Ccy="MAD">25.00</n:Amt></n:Rcrd></n:Chrgs>
     <n:RltdPties><n:Dbtr><n:Pty><n:Nm>Atlas &amp; Fils</n:Nm></n:Pty></n:Dbtr></n:RltdPties></n:TxDtls>
    <n:TxDtls><n:Amt Ccy="MAD">400.00</n:Amt><n:CdtDbtInd>CRDT</n:CdtDbtInd></n:TxDtls>
   </n:NtryDtls>
  </n:Ntry>
 </n:Stmt></n:BkToCstmrStmt>
</n:Document>
"""

MT940 = f""":20:REL0211
:25:BMCEMAMC/{RIB}
:28C:211/1
:60F:C261103MAD10000,00
:61:2611041103C2815,15NTRFNOOR-118//VR26307000411
:86:/NAME/NOOR SANTE SARL AU/IBAN/MA41007780000151200000031512/REMI/RF21 FA
20 2600 0012 LOYER NOVEMBRE
:61:2611031103D10,65NCHGNONREF//CM4411
COMMISSION SUR VIREMENT
:86:COMMISSION TVA INCLUSE
:61:2611021103RC1000,00NTRFNONREF//AN2
:86:ANNULATION VIREMENT RECU SAHARA ENERGIE
:62F:C261103MAD11804,50
:64:C261103MAD11804,50
-
"""

# The French mapping: a preamble, debit and credit apart, a running balance, the newest first, a total below.
CSV_FRENCH = f"""Relevé de compte;;;;;;
RIB;{RIB};;;;;
Date opération;Date valeur;Libellé;Référence;Débit;Crédit;Solde
04/11/2026;04/11/2026;"VIR RECU ""ATLAS CODE"" FA-2026-000031";VR26308000001;;1 500,00;13 304,50
03/11/2026;03/11/2026;COMMISSION SUR VIREMENT;CM4411;10,65;;11 804,50
03/11/2026;04/11/2026;VIR RECU NOOR SANTÉ RF21 FA20 2600 0012;VR26307000411;;1 815,15;11 815,15
;;TOTAL;;10,65;3 315,15;
"""


def entry(  # noqa: PLR0913 - a test names few of the keywords
    amount: int,
    booked_on: date,
    *,
    currency: str = "MAD",
    reference: str = "",
    debtor: str = "",
    account: str = "",
    structured: str = "",
    text: str = "",
) -> str:
    """One entry of camt.053.001.08; `amount` in centimes, above nil where money came in."""
    role, sign = ("Dbtr", "CRDT") if amount > 0 else ("Cdtr", "DBIT")
    party = f"<{role}><Pty><Nm>{escape(debtor)}</Nm></Pty></{role}>" if debtor else ""
    number = f"<{role}Acct><Id><Othr><Id>{account}</Id></Othr></Id></{role}Acct>" if account else ""
    strd = f"<Strd><CdtrRefInf><Ref>{structured}</Ref></CdtrRefInf></Strd>" if structured else ""
    ustrd = f"<Ustrd>{escape(text)}</Ustrd>" if text else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{format_amount(abs(amount))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{booked_on}</Dt></BookgDt><ValDt><Dt>{booked_on}</Dt></ValDt>"
        + (f"<AcctSvcrRef>{reference}</AcctSvcrRef>" if reference else "")
        + f"<NtryDtls><TxDtls><RltdPties>{party}{number}</RltdPties><RmtInf>{ustrd}{strd}</RmtInf></TxDtls></NtryDtls>"
        "</Ntry>"
    )


def balance(code: str, amount: int, on: date, currency: str = "MAD") -> str:
    """A balance of camt.053."""
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{format_amount(abs(amount))}</Amt>'
        f"<CdtDbtInd>{'CRDT' if amount >= 0 else 'DBIT'}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def camt(  # noqa: PLR0913 - a test names few of the keywords
    entries: Iterable[str],
    *,
    opening: int,
    closing: int,
    on: date,
    name: str = "REL-1",
    account: str = RIB,
    currency: str = "MAD",
    version: int = 8,
) -> bytes:
    """A camt.053 file of one statement."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE.format(version=version)}"><BkToCstmrStmt>'
        f"<Stmt><Id>{name}</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>"
        f"{balance('OPBD', opening, on, currency)}{balance('CLBD', closing, on, currency)}"
        f"{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def french(changes: Mapping[str, str]) -> bytes:
    """The French CSV with some texts replaced by others."""
    found = CSV_FRENCH
    for old, new in changes.items():
        assert old in found
        found = found.replace(old, new)
    return found.encode()
