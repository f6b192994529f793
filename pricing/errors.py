"""These errors say why something cannot be priced.

PricingError
├── NoRateInForce     no rate version covers a day that must be priced (R6)
├── NoVatRateInForce  no VAT rate covers a day that must be priced (R11)
└── SiteNotOpen       a service was used before its site opened (R34)
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


class SiteNotOpen(PricingError):
    """The site opened after that day: nothing is billed there before (R34)."""

    def __init__(self, site: str, service: str, opened_on: date, day: date) -> None:
        super().__init__(
            f"{service} at {site} on {day}, before the site opened on {opened_on}: "
            f"choose a day from then on (void what was used on a wrong day), or correct the site's opened_on"
        )
