"""A tenant of the register as a party on paper: what the register says of it now."""

from typing import Any

from sqlalchemy import Row

from invoices.document import Party


def buyer_of(row: Row[Any]) -> Party:
    """Return the party that a row of `billing.register.tables.tenant` is on a document issued now."""
    return Party(
        row.code, row.legal_name, row.legal_form, row.address, row.city, ice=row.ice, tax_id=row.tax_id,
        trade_register=row.trade_register, email=row.email, language=row.language,
    )  # fmt: skip
