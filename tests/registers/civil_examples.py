"""Made-up people in the civil registers: full examples for each register, which together show every field."""

from __future__ import annotations

from typing import Any, Final

Fields = dict[str, Any]

TARTU: Final[Fields] = {"country": "EST", "district": "349", "place": "Tartu"}
NAMES: Final = [
    {"script": "Latn", "use": "birth", "family": "Tamm", "given": "Mari Liis"},
    {"script": "Cyrl", "use": "legal", "family": "Тамм", "given": "Мари Лийс"},
    {"script": "Latn", "use": "married", "family": "O'Brien-Tamm", "given": "Mari Liis"},
]
COURT: Final[Fields] = {
    "authority": "Tartu County Court",
    "country": "EST",
    "case": "2-26-1017",
    "date": "2026-03-02",
}
ABROAD: Final[Fields] = {
    "country": "FIN",
    "authority": "Digital and Population Data Services Agency",
    "number": "A 1017/2026",
    "date": "2026-02-11",
}

PERSON: Final[Fields] = {
    "number": "P-1000001",
    "names": NAMES,
    "sex": "female",
    "date-of-birth": "1990-12-11",
    "place-of-birth": TARTU,
    "mother": "P-1000002",
    "father": "P-1000003",
    "second-parent": "P-1000004",
    "nationality": ["EST", "IRL"],
    "address": {
        "lines": ["Kastani 5-2"],
        "locality": "Tartu",
        "district": "349",
        "postcode": "50410",
        "country": "EST",
        "since": "2015-09",
    },
    "date-of-death": "2071~",
    "parents-unknown": "not-in-register",
}
BIRTH: Final[Fields] = {
    "entry-number": "349/2026/17",
    "type": "ordinary",
    "district": "349",
    "child": "P-1000010",
    "names": [{"script": "Latn", "use": "birth", "family": "Tamm", "given": "Juhan"}],
    "sex": "male",
    "date": "2026-02-03",
    "time": "04:17",
    "place": TARTU,
    "place-type": "hospital",
    "birth-type": "twin",
    "rank-in-delivery": 2,
    "weight": 2810,
    "gestational-age": 38,
    "attendant": "midwife",
    "mother": "P-1000001",
    "father": "P-1000005",
    "children-born-alive": 3,
    "foetal-deaths": 0,
    "last-live-birth": "2022-05",
    "mother-education": 6,
    "father-education": 4,
    "informant": {"name": "A. Kask", "relation": "hospital", "address": "Puusepa 8, Tartu"},
}
FOUNDLING: Final[Fields] = {
    "entry-number": "349/2026/18",
    "type": "foundling",
    "district": "349",
    "child": "P-1000011",
    "names": [{"script": "Latn", "use": "legal", "given": "Eva"}],
    "sex": "female",
    "date": "2026-02~",
    "place": {"country": "EST"},
    "mother-unknown": "foundling",
    "father-unknown": "foundling",
    "finding": {
        "date": "2026-02-20",
        "time": "06:10",
        "place": "St John's church, Tartu, the north door",
        "finder": "the verger",
        "note": "About a week old; a blue blanket",
    },
}
FOREIGN_BIRTH: Final[Fields] = BIRTH | {
    "entry-number": "349/2026/19",
    "type": "foreign-document",
    "foreign-document": ABROAD | {"legalisation": "apostille"},
}
RECOGNISED: Final[Fields] = BIRTH | {
    "recognition": {"kind": "declaration", "date": "2026-04-01", "by": "P-1000005", "instrument": COURT},
}
ADOPTED: Final[Fields] = BIRTH | {
    "entry-number": "349/2026/20",
    "type": "adoption",
    "mother": "P-1000020",
    "second-parent": "P-1000021",
    "adoption": {"kind": "full", "instrument": COURT},
    "original": "349/2026/17",
}
MARRIAGE: Final[Fields] = {
    "entry-number": "349/2015/204",
    "district": "349",
    "spouse-a": "P-1000001",
    "spouse-b": "P-1000005",
    "date": "2015-08-15",
    "place": TARTU,
    "type": "civil",
    "previous-status-a": "single",
    "previous-status-b": "divorced",
    "names-a": [NAMES[2]],
    "names-b": [{"script": "Latn", "use": "birth", "family": "O'Brien", "given": "Seán"}],
    "education-a": 6,
    "education-b": 4,
    "celebrant": {"name": "K. Mets", "capacity": "registrar", "organisation": "Tartu registry office"},
    "witnesses": [{"name": "L. Kuusk"}, {"name": "T. Pärn", "person": "P-1000030"}],
    "ended-by": "divorce",
    "ended-on": "2026-03-02",
    "ended-court": COURT,
    "dependent-children": 2,
}
FOREIGN_MARRIAGE: Final[Fields] = MARRIAGE | {"type": "foreign-document", "foreign-document": ABROAD}
DEATH: Final[Fields] = {
    "entry-number": "349/2026/9",
    "type": "ordinary",
    "district": "349",
    "deceased": "P-1000005",
    "date": "2026-04-30",
    "time": "23:05",
    "place": TARTU,
    "place-type": "hospital",
    "cause": "I21.9",
    "cause-chain": [
        {"text": "Cardiogenic shock", "code": "R57.0", "interval": "2 hours"},
        {"text": "Acute myocardial infarction", "code": "I21.9", "interval": "1 day"},
    ],
    "contributing-causes": [{"text": "Type 2 diabetes mellitus", "code": "E11"}],
    "manner": "disease",
    "autopsy": {"performed": True, "findings-used": True},
    "pregnancy": "not-applicable",
    "certifier": {"name": "A. Saar", "capacity": "attending-physician", "certified-on": "2026-05-01"},
    "attendant": "physician",
    "education": 4,
    "occupation": "carpenter",
    "informant": {"name": "M. Tamm", "relation": "wife", "person": "P-1000001"},
}
DECLARED_DEAD: Final[Fields] = DEATH | {"type": "court-declared", "date": "1998~", "declaration": COURT}
CONVICTION: Final[Fields] = {
    "reference": "1-19-4411",
    "court": "Tartu County Court",
    "country": "EST",
    "date": "2020-05-04",
    "final": "2020-06-20",
    "offences": [
        {
            "date": "2019-07",
            "until": "2019-09-01",
            "place": "Tartu",
            "name": "Theft",
            "provision": "Penal Code § 199",
            "category": "1502 00",
            "completion": "completed",
            "participation": "perpetrator",
            "counts": 2,
        }
    ],
    "sentences": [
        {
            "kind": "sentence",
            "category": "1001",
            "duration": "P1Y6M",
            "suspended": True,
            "until": "2022-06-20",
        },
        {"kind": "supplementary-penalty", "amount": "1200.00", "currency": "EUR", "text": "Fine"},
    ],
    "decisions": [{"date": "2021-03-01", "text": "Probation shortened", "category": "3001"}],
    "spent-after": "2031-06-20",
}
CRIMINAL_RECORD: Final[Fields] = {
    "offender": "P-1000040",
    "convictions": [CONVICTION],
    "spent-after": "2031-06-20",
    "aliases": [{"script": "Latn", "use": "alias", "given": "Tuvi"}],
    "identity-documents": [
        {"type": "passport", "number": "KX0000001", "country": "EST", "authority": "Police and Border Guard"}
    ],
}
DISCLOSURE: Final[Fields] = {
    "subject": "P-1000001",
    "officer": "0123456789abcdef",
    "recipient": "Tartu County Court",
    "purpose": "court-order",
    "legal-basis": "the order of a court, named in the disclosure's case",
    "case": "2-26-1017",
    "register": "birth",
    "record": "wKq2ZJ0cW7uYpQm5n3xL8vB1tR4sD6fG9hJ0kA2eCiU",
    "version": 1,
    "fields": ["child", "mother"],
    "decided-by": "fedcba9876543210",
}
NOTICE: Final[Fields] = {
    "subject": "P-1000001",
    "kind": "objection-window",
    "register": "land-title",
    "record": "TRT-100017",
    "transaction": "sha256:" + "0" * 64,
    "object-until": "2026-12-08T10:00:00Z",
    "text": "A transfer of your title has been filed. You may object until 8 December 2026.",
    "language": "en",
}
LEGAL_HOLD: Final[Fields] = {
    "number": "LH/2026/4",
    "person": "P-1000001",
    "court": "Tartu County Court",
    "order": "2-26-1017, order of 2 March 2026",
    "ordered-on": "2026-03-02",
    "reason": "A dispute over parentage",
    "lifted-by": COURT,
}
HELD: Final[Fields] = {
    "birth": "349/2026/17",
    "marriage": "349/2015/204",
    "death": "349/2026/9",
    "criminal-record": "P-1000040",
    "company": "EE-10000001",
    "business-licence": "BL-17",
    "land-title": "TRT-100017",
    "land-charge": "C-4",
}
OTHER_HOLDS: Final[list[Fields]] = [
    {name: value for name, value in LEGAL_HOLD.items() if name != "person"} | {register: record}
    for register, record in HELD.items()
]
EXAMPLES: Final[dict[str, list[Fields]]] = {
    "person": [PERSON],
    "birth": [BIRTH, FOUNDLING, FOREIGN_BIRTH, RECOGNISED, ADOPTED],
    "marriage": [MARRIAGE, FOREIGN_MARRIAGE],
    "death": [DEATH, DECLARED_DEAD],
    "criminal-record": [CRIMINAL_RECORD],
    "disclosure": [DISCLOSURE],
    "notice": [NOTICE],
    "legal-hold": [LEGAL_HOLD, *OTHER_HOLDS],
}
