"""Posts with django-hordak, as many entries a line of standard input says, and answers with the seconds it took.

Run by an interpreter that has Django and django-hordak, which ours has not; the argument is the address
of an empty PostgreSQL database.
"""

import sys
import time
from urllib.parse import unquote, urlsplit


def main() -> None:
    """Migrate, then post what is asked, an entry of four legs in a transaction of its own each."""
    address = urlsplit(sys.argv[1])

    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="bench",
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address.path[1:],
                "USER": unquote(address.username or ""),
                "PASSWORD": unquote(address.password or ""),
                "HOST": address.hostname,
                "PORT": address.port,
                "CONN_MAX_AGE": None,
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DEFAULT_CURRENCY="MAD",
        CURRENCIES=["MAD"],
        HORDAK_DECIMAL_PLACES=2,
    )
    django.setup()
    from django.core.management import call_command
    from django.db import transaction
    from hordak.models import Account, Leg, Transaction
    from moneyed import Money

    call_command("migrate", verbosity=0, interactive=False)
    clients = Account.objects.create(name="Clients", type="AS", code="3421", currencies=["MAD"])
    sales = [
        Account.objects.create(name=name, type="IN", code=name, currencies=["MAD"])
        for name in ("71243", "71271", "44551")
    ]
    for line in sys.stdin:
        count = int(line)
        began = time.perf_counter()
        for number in range(count):
            with transaction.atomic():
                entry = Transaction(description=f"Facture {number}")
                entry.save()
                Leg(transaction=entry, account=clients, debit=Money("120.00", "MAD")).save()
                for account, amount in zip(sales, ("60.00", "40.00", "20.00"), strict=True):
                    Leg(transaction=entry, account=account, credit=Money(amount, "MAD")).save()
        print(time.perf_counter() - began, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
