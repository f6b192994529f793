"""These errors say why something cannot be priced.

PricingError
├── NoRateInForce     no rate version covers a day that must be priced (R6)
└── NoVatRateInForce  no VAT rate covers a day that must be priced (R11)
"""

from datetime import date


class PricingError(Exception):
    """Base class: a tenant's facts cannot be priced; the message says what to add."""


class NoRateInForce(PricingError):
    """No rate version of the tenant's kind, nor of every kind, has begun on that day (R6)."""

    def __init__(self, site: str, service: str, kind: str, day: date) -> None:
        super().__init__(
            f"no rate for {service} at {site} for tenants of kind {kind} on {day}: "
            f"enter a rate that begins on or before that day, or void what was used on a wrong day; then run the month "
            f"again"
        )


class NoVatRateInForce(PricingError):
    """No VAT rate of the service has begun on that day (R11)."""

    def __init__(self, service: str, day: date) -> None:
        super().__init__(
            f"no VAT rate for {service} on {day}: "
            f"enter a VAT rate that begins on or before that day, then run the month again"
        )
