"""What comes late, and months nobody ran (R10, R12-R14)."""

from tests.support.park import Park, text

LARGE = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}
OFFICE = {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}


def meal(event: str, day: str, quantity: str = "1") -> dict[str, str]:
    return {"event_id": event, "tenant": "T1", "site": "CAS", "service": "MEAL", "quantity": quantity,
            "occurred_on": day}  # fmt: skip


def test_r14_a_skipped_month_is_caught_up_by_the_next_run_as_new_lines(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[OFFICE])
    park.bills("2026-06")
    park.bills("2026-09")
    assert park.issued("2026-09") == text("""
        FA-2026-000002 T1: net 8700.00, VAT 1740.00, due 10440.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
          CAS L1 2026-08-01 to 2026-08-31 market 2900.00
          CAS L1 2026-09-01 to 2026-09-30 market 2900.00
        """)


def test_r10_usage_is_billed_by_the_run_of_the_month_after_however_late_it_arrives(park: Park) -> None:
    park.opens(tenants=[LARGE], usage=[meal("E1", "2026-05-31", "2"), meal("E2", "2026-06-01", "3")])
    park.bills("2026-06")
    # Late: one of April, one of May; E1 comes again with the same values and is the same event.
    park.enters(usage=[meal("E3", "2026-04-10"), meal("E4", "2026-05-31"), meal("E1", "2026-05-31", "2")])
    park.bills("2026-07")
    park.bills("2026-08")
    assert park.issued("2026-06") == text("""
        FA-2026-000001 T1: net 72.00, VAT 7.20, due 79.20
          CAS MEAL 2026-05 market 72.00
        """)
    assert park.issued("2026-07") == text("""
        FA-2026-000002 T1: net 180.00, VAT 18.00, due 198.00
          CAS MEAL 2026-04 market 36.00
          CAS MEAL 2026-05 market 36.00
          CAS MEAL 2026-06 market 108.00
        """)
    assert park.issued("2026-08") == ""


def test_r10_usage_of_the_month_run_waits_for_the_next_run_even_if_it_is_known_already(park: Park) -> None:
    park.opens(tenants=[LARGE], usage=[meal("E1", "2026-07-20"), meal("E2", "2026-05-02")])
    park.bills("2026-06")
    park.bills("2026-07")
    park.bills("2026-08")
    assert [len(park.documents(month)) for month in ("2026-06", "2026-07", "2026-08")] == [1, 0, 1]
    assert park.issued("2026-08") == text("""
        FA-2026-000002 T1: net 36.00, VAT 3.60, due 39.60
          CAS MEAL 2026-07 market 36.00
        """)


def test_r10_the_price_and_vat_of_late_usage_are_those_of_its_day(park: Park) -> None:
    park.opens(tenants=[LARGE])
    park.bills("2026-06")
    park.enters(
        rates=[{"site": "CAS", "service": "MEAL", "effective_from": "2026-06-10", "market": "40.00",
                "subsidised": "1/3", "full_cost": "33.00"}],
        vat_rates=[("MEAL", "2026-06-20", "0.05")],
        usage=[meal("E1", "2026-06-09"), meal("E2", "2026-06-10"), meal("E3", "2026-06-20"), meal("E4", "2026-06-30")],
    )  # fmt: skip
    park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        FA-2026-000001 T1: net 156.00, VAT 11.60, due 167.60
          CAS MEAL 2026-06 market 36.00
          CAS MEAL 2026-06 market 80.00
          CAS MEAL 2026-06 market 40.00
        """)
    assert [line.priced.vat_rate for line in park.documents("2026-07")[0].lines] == [1_000, 500, 1_000]


def test_r13_a_corrected_rate_credits_and_bills_again_every_month_it_touches(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[OFFICE])
    park.bills("2026-06")
    park.bills("2026-07")
    # The council's new price was in force since 16 June; it is entered in July.
    park.enters(
        rates=[{"site": "CAS", "service": "OFFICE", "effective_from": "2026-06-16", "market": "149.50",
                "subsidised": "1/3", "full_cost": "130.00"}],
    )  # fmt: skip
    park.bills("2026-08")
    assert park.issued("2026-08") == text("""
        AV-2026-000001 T1: net 5800.00, VAT 1160.00, due 6960.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00, corrects FA-2026-000001
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00, corrects FA-2026-000002
        FA-2026-000003 T1: net 8925.00, VAT 1785.00, due 10710.00
          CAS L1 2026-06-01 to 2026-06-15 market 1450.00
          CAS L1 2026-06-16 to 2026-06-30 market 1495.00
          CAS L1 2026-07-01 to 2026-07-31 market 2990.00
          CAS L1 2026-08-01 to 2026-08-31 market 2990.00
        """)


def test_r13_a_price_that_begins_in_the_month_run_disturbs_no_month_before(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[OFFICE])
    park.bills("2026-06")
    park.enters(
        rates=[{"site": "CAS", "service": "OFFICE", "effective_from": "2026-07-01", "market": "149.50",
                "subsidised": "1/3", "full_cost": "130.00"}],
    )  # fmt: skip
    park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        FA-2026-000002 T1: net 2990.00, VAT 598.00, due 3588.00
          CAS L1 2026-07-01 to 2026-07-31 market 2990.00
        """)
