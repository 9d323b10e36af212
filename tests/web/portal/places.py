"""The addresses of every kind of page in the office."""

from __future__ import annotations

from typing import Final

from counterfoil.web.portal.addresses import record_address
from tests.web.portal.office import LONG_REGISTER

EVERY_PAGE: Final = {
    "front": "/",
    "registers": "/registers",
    "register": "/registers/country",
    "register with rules": "/registers/vessel",
    "register of odd keys": "/registers/odd",
    "register of one": "/registers/single",
    "register without records": "/registers/empty",
    "register with a long name": f"/registers/{LONG_REGISTER}",
    "register of the system": "/registers/.register",
    "search in a register": "/registers/country?q=island",
    "record": "/registers/country/records/GB",
    "record as it was known": "/registers/country/records/CZ?known=2016-06-01&by=book",
    "record not known then": "/registers/country/records/CZ?known=2001",
    "record of 400 versions": "/registers/vessel/records/7",
    "older versions": "/registers/vessel/records/7?before=376",
    "record with a long name": "/registers/vessel/records/10",
    "record that was annulled": "/registers/odd/records/a%20b",
    "record with a long key": record_address("odd", "x" * 255),
    "record with an item": "/registers/sealed/records/p1",
    "definition": "/registers/.register/records/vessel",
    "differences": "/registers/vessel/records/7/differences?from=1&to=400",
    "proof": "/registers/country/records/CZ/proof",
    "entry": "/entries/100",
    "entry of the index": "/entries/5",
    "log": "/log",
    "activity": "/activity",
    "audit": "/audit",
    "verify": "/verify",
    "search": "/search?q=island",
    "search without a hit": "/search?q=zzzz",
    "about": "/about",
}

ALIKE: Final = {
    "register of one",
    "search in a register",
    "record not known then",
    "older versions",
    "entry of the index",
}
LOOKED_AT: Final = {name: address for name, address in EVERY_PAGE.items() if name not in ALIKE}
"""Those that a browser opens: the others are built as one of these is."""
