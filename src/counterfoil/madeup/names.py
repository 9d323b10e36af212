"""Names that nobody has: put together from syllables, and written in a second script for some."""

from __future__ import annotations

from typing import Final

from counterfoil.madeup.chance import Chance

_FIRST: Final = (
    "Abbo", "Brindle", "Corva", "Dolmen", "Estrel", "Farro", "Gundel", "Hollow", "Imber", "Jorvan", "Kessel",
    "Lumber", "Morven", "Nettle", "Orlan", "Perrin", "Quillan", "Rostel", "Sorrel", "Tamber", "Ulver", "Vester",
    "Wendel", "Yarrow",
)  # fmt: skip
_SECOND: Final = (
    "bank", "croft", "dahl", "esk", "fell", "garth", "holt", "inge", "kamp", "lund", "mere", "nova", "quist", "rake",
    "stad", "thwaite", "umber", "vik", "wick", "zel",
)  # fmt: skip
FAMILIES: Final = tuple(first + second for first in _FIRST for second in _SECOND)
GIVEN: Final = {
    "female": (
        "Adelka", "Berenke", "Calista", "Dorvina", "Elsabet", "Fionda", "Gerlinde", "Hedvika", "Iselin", "Jorunde",
        "Kalinka", "Lorvena", "Marisel", "Nerisse", "Odelia", "Perpetua", "Quenby", "Rosmunde", "Sunniva", "Tamsine",
        "Ulrikka", "Verunke", "Wilmine", "Xantippe", "Ysolde", "Zelinde",
    ),
    "male": (
        "Anselmo", "Bertwin", "Cassimir", "Dagobert", "Evander", "Florimond", "Gundolf", "Hartwin", "Isembard",
        "Jorvik", "Kunibert", "Leofwin", "Marwin", "Notker", "Osgar", "Peregrin", "Quirin", "Ruprecht", "Sigmar",
        "Thorvald", "Ulfred", "Volkmar", "Wenzel", "Xaver", "Yngvar", "Zacharis",
    ),
}  # fmt: skip
_LATIN: Final = "abcdefghijklmnopqrstuvwxyz"
_SCRIPTS: Final = {
    "Cyrl": "абкдефгхийклмнопкрстуввхыз",
    "Geor": "აბკდეფგჰიჯკლმნოპქრსტუვვხიზ",
    "Grek": "αβκδεφγχιικλμνοπκρστυββξυζ",
    "Hebr": "אבקדהפגחייקלמנופקרסטווושיז",
}
"""A letter for each of the Latin ones; a real transliteration would be longer, and the names no more real."""
SECOND_SCRIPTS: Final = tuple(sorted(_SCRIPTS))


def _capital(letters: str) -> str:
    """The letters as capitals; Georgian capitals begin no names."""
    return letters if letters[0] == "ა" else letters.upper()


_LETTERS: Final = {
    script: str.maketrans(_LATIN + _LATIN.upper(), letters + _capital(letters))
    for script, letters in _SCRIPTS.items()
}
STREETS: Final = (
    "Acorn Walk",
    "Bell Yard",
    "Cloister Row",
    "Ferry Steps",
    "Lantern Street",
    "Mill Bank",
    "Rope Lane",
)


def family(chance: Chance) -> str:
    """A family's name."""
    return chance.pick(FAMILIES)


def given(chance: Chance, sex: str) -> str:
    """A given name, or two of them."""
    names = GIVEN["male" if sex == "male" else "female"]
    first = chance.pick(names)
    return f"{first} {chance.pick(names)}" if chance.of(0.25) else first


def name(script: str, family_: str, given_: str) -> dict[str, str]:
    """A name at birth as registers hold it, in a script of ISO 15924; both parts are in Latin letters here."""
    if script != "Latn":
        family_, given_ = family_.translate(_LETTERS[script]), given_.translate(_LETTERS[script])
    return {"script": script, "use": "birth", "family": family_, "given": given_}


def second_script(chance: Chance) -> str | None:
    """The script in which a person's name is written too, for one in eight."""
    return chance.pick(SECOND_SCRIPTS) if chance.of(0.125) else None
