"""What lines and VAT of a document are in JSON."""

from marshmallow import Schema, fields


class VatSchema(Schema):
    """VAT at one rate."""

    rate = fields.String(required=True)
    base = fields.String(required=True)
    amount = fields.String(required=True)
