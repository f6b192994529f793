"""From a network folder (contract) to the register: read, checked as a whole, written all or nothing.

Owns: the form of the files, what is accepted, what a change is. Does not own: the tables
(`billing.frame.tables`), prices and the ceiling's arithmetic (`pricing`), how entries are posted (`ledger`).
"""

from billing.register.network_import.importing import HandedOver, Progress, apply_records, import_folder
from billing.register.network_import.report import Change, FileCounts, ImportReport
from billing.register.network_import.stored import stored_record

__all__ = [
    "Change",
    "FileCounts",
    "HandedOver",
    "ImportReport",
    "Progress",
    "apply_records",
    "import_folder",
    "stored_record",
]
