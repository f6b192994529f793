"""The shapes of applications beyond the register's own: the waiting list of a site, an admission."""

from typing import Annotated, Any, Literal

from billing.frame.shapes import Count, Day, Quantity, Shape, SiteCode, Text, about
from billing.register.shapes import RESOURCES, Warnings, stored_shape

APPLICATIONS = next(resource for resource in RESOURCES if resource.stem == "applications")
LEASES = next(resource for resource in RESOURCES if resource.stem == "leases")
TENANTS = next(resource for resource in RESOURCES if resource.stem == "tenants")
_STORED: Any = stored_shape(APPLICATIONS)
_LEASE: Any = stored_shape(LEASES)
_TENANT: Any = stored_shape(TENANTS)


class Waiting(Shape, frozen=True):
    """A firm on the waiting list of a site."""

    place: Annotated[Count, about("Its place on the list, from 1")]
    code: Annotated[Text, about("The application")]
    tenant: Annotated[Text | None, about("The code under which it is a tenant or will be one; null: none is given yet")]
    legal_name: Annotated[Text, about("The firm's name")]
    kind: Annotated[Literal["startup", "sme", "large", "subsidiary"], about("What kind of firm it is")]
    area_m2: Annotated[Quantity, about("The area it wants")]
    received_on: Annotated[Day, about("The day the application was received")]
    accepted_on: Annotated[Day, about("The day it was accepted: the order of the list")]
    state: Annotated[
        Literal["accepted", "waiting"], about("waiting: it was told that there is no place for it at present")
    ]


class WaitingList(Shape, frozen=True):
    """The firms that were accepted at a site and not admitted yet, in order of the days they were accepted."""

    site: SiteCode
    waiting: Annotated[list[Waiting], about("The firms, in order")]


class Admitted(Shape, frozen=True):
    """What an admission made: tenant and lease, by the import's rules."""

    application: Annotated[_STORED, about("The application, admitted")]
    tenant: Annotated[_TENANT, about("The tenant, new unless it stood in the register")]
    lease: Annotated[_LEASE, about("The lease")]
    warnings: Warnings
