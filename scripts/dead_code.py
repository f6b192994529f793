"""Name functions, classes, methods, constants and imports in the four packages that nothing uses; end with 1 if any.

What only a test uses counts as unused. Fields and members of enumerations are left out: templates and JSON read them by
name, which vulture does not see.
"""

import sys
from linecache import getline

from vulture import Vulture
from vulture.core import Item

PACKAGES = ["billing", "invoices", "ledger", "pricing"]
# A migration's variables are read by alembic.
EXCLUDED = ["*/migrations/*"]
# Registered with Flask, click or SQLAlchemy, which call them.
DECORATORS = [
    "@*.command*",
    "@*.group*",
    "@*.route*",
    "@*.get*",
    "@*.post*",
    "@*.patch*",
    "@*.errorhandler*",
    "@compiles",
]
# Called by a library, which knows them by their names.
HOOKS = {
    "Python": ["__*__"],
    "databases of before": ["EDITION_NUMBERED"],
    "sqlalchemy": ["get_col_spec"],
    "click": ["list_commands", "get_command"],
    "werkzeug": ["to_python", "to_url"],
    "flask-smorest, webargs, marshmallow": [
        "_register_*",
        "load_json",
        "handle_error",
        "_validated",
        "*_PARSER",
        "DEFAULT_*",
    ],
    "WeasyPrint": ["fetch", "_ua_stylesheets", "_build_layout_context", "marked", "artifact"],
    "pyHanko": ["async_sign_raw", "async_request_tsa_response", "_update_meta"],
    "email": ["fold"],
    "http.client, io": ["sendall", "makefile", "readinto", "readable"],
    "xlsxwriter": ["_xml_rich_inline_string"],
    "our templates": ["density"],
    "verify_books.py, by the kind of a record": ["take_*"],
}


def is_ours_alone(item: Item) -> bool:
    """Return whether nobody can reach the item by its name: of variables, the constants of a module can't be."""
    if item.typ not in ("attribute", "variable"):
        return True
    line = getline(str(item.filename), item.first_lineno)
    return item.typ == "variable" and item.name.strip("_").isupper() and not line[0].isspace()


def main() -> int:
    """Print what is unused and return the exit status."""
    vulture = Vulture(ignore_names=[name for names in HOOKS.values() for name in names], ignore_decorators=DECORATORS)
    vulture.scavenge(PACKAGES, exclude=EXCLUDED)
    unused = [item for item in vulture.get_unused_code(min_confidence=60) if is_ours_alone(item)]
    sys.stdout.writelines(f"{item.get_report()}\n" for item in unused)
    return 1 if unused else 0


if __name__ == "__main__":
    sys.exit(main())
