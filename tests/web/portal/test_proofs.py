"""Proofs: what their page says, the file that it gives, and the page that judges what somebody brings."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.errors import Malformed
from counterfoil.node import Node
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.prove import prove_record
from counterfoil.web.portal.proof_view import file_name
from counterfoil.web.portal.verify_view import verify_view
from tests.web.portal.office import VERSIONS
from tests.web.portal.reading import Page, Reader
from tests.web.serving import Served

CZECHIA = "/registers/country/records/CZ"


@pytest.fixture(scope="module")
def trust(office: Served) -> Trust:
    return Trust.parse(office.node.home.trust.read_bytes())


@pytest.fixture(scope="module")
def bundle(reader: Reader) -> bytes:
    return reader.client.get(f"{CZECHIA}/proof-bundle").content


def test_the_verdict_comes_first_and_every_step_after_it(reader: Reader) -> None:
    page = reader.get(f"{CZECHIA}/proof")
    size = reader.json(f"{CZECHIA}/proof")["size"]
    said = "Valid: version 2 of this record stands in the log, and no later one did when the log had"
    assert said in page.text
    assert page.text.index(said) < page.text.index("Each step")
    steps = reader.json(f"{CZECHIA}/proof")["steps"]
    assert [step["name"] for step in steps][:4] == ["form", "checkpoint", "entries", "signatures"]
    assert all(step["passed"] for step in steps)
    assert page.text.count(" passed ") == len(steps)
    assert f"a signed note that states {size} entries" in page.text
    assert "counterfoil verify country-CZ.proof.json --trust trust.json" in page.text
    assert "You need not believe it" in page.text
    assert "It does not show that what was written is true" in page.text


def test_the_file_proves_it_without_this_node(reader: Reader, trust: Trust, bundle: bytes) -> None:
    response = reader.client.get(f"{CZECHIA}/proof-bundle")
    assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''country-CZ.proof.json"
    report = verify(bundle, trust)
    assert report.verdict == "valid"
    assert any("country CZ version 2 is the latest" in claim for claim in report.claims)


def test_an_older_version_or_all_of_them_can_be_proved(reader: Reader, trust: Trust) -> None:
    first = reader.json(f"{CZECHIA}/proof?version=1")
    assert (first["version"], first["current"], first["verdict"]) == (1, False, "valid")
    page = reader.get(f"{CZECHIA}/proof?version=1")
    assert "Valid: version 1 of this record stands in the log." in page.text
    assert f"{CZECHIA}/proof-bundle?version=1" in page.links
    every = reader.client.get(f"{CZECHIA}/proof-bundle?versions=all").content
    assert any("versions 1, 2 stand in the log" in claim for claim in verify(every, trust).claims)


def test_four_hundred_versions_are_proved_in_one_file(reader: Reader) -> None:
    page = reader.json("/registers/vessel/records/7/proof?versions=all")
    assert (page["verdict"], page["versions"], page["current"]) == ("valid", VERSIONS, True)
    assert any(f"versions 1 to {VERSIONS} stand in the log" in claim for claim in page["claims"])


def test_an_entry_of_the_index_is_proved_to_stand_in_the_log(reader: Reader) -> None:
    page = reader.json("/registers/.index/records/root/proof?version=1")
    assert (page["verdict"], page["current"], page["version"]) == ("valid", False, 1)
    assert reader.client.get("/registers/.index/records/root/proof?version=9999999").status_code == 404


@pytest.mark.parametrize(
    ("record", "file"),
    [
        ("GB", "country-GB.proof.json"),
        ("a/b", "country-a-b.proof.json"),
        ("..", "country-record.proof.json"),
        ("日本", "country-record.proof.json"),
        ("x" * 255, f"country-{'x' * 60}.proof.json"),
    ],
)
def test_a_proof_has_a_name_that_every_system_takes(record: str, file: str) -> None:
    assert file_name("country", record) == file


def judged(reader: Reader, files: dict[str, Any], accept: str = "text/html", status: int = 200) -> Any:
    response = reader.client.post("/verify", files=files, headers={"accept": accept})
    assert response.status_code == status, response.text
    return response.json()["page"] if accept == "application/json" else Page(response)


def test_a_proof_of_this_ledger_is_judged_by_its_trust_policy(reader: Reader, bundle: bytes) -> None:
    page = judged(reader, {"proof": ("czechia.proof.json", bundle)})
    assert "Valid. Everything in this proof is as it must be." in page.text
    assert "File czechia.proof.json" in page.text
    assert "Judged by this node's trust policy" in page.text
    assert "country CZ version 2 is the latest" in page.text
    assert "It does not say that what was written is true" in page.text
    assert "counterfoil verify czechia.proof.json --trust trust.json" in page.text


def test_one_changed_letter_is_found_and_no_level_is_said(reader: Reader, bundle: bytes) -> None:
    changed = bundle.replace(b"Czechia", b"Czechla")
    page = judged(reader, {"proof": ("x.json", changed)})
    assert "Not valid." in page.text
    assert "Inclusion failed the inclusion proof does not lead to the root" in page.text
    assert page.text.endswith("Trust level: none. Nothing was proved about whom to trust. Check it yourself")
    report = judged(reader, {"proof": ("x.json", changed)}, "application/json")["report"]
    assert (report["verdict"], report["level"], report["claims"]) == ("not valid", None, [])


def test_a_trust_policy_that_is_brought_counts_instead(reader: Reader, bundle: bytes, trust: Trust) -> None:
    files = {"proof": ("x.json", bundle), "trust": ("trust.json", trust.encode())}
    page = judged(reader, files, "application/json")
    assert (page["judged_by"], page["report"]["verdict"]) == ("the trust policy that you gave", "valid")


def test_a_proof_of_another_ledger_is_consistent_at_most(bundle: bytes, trust: Trust) -> None:
    view = verify_view("x", bundle, None, None)
    assert view.report is not None
    assert (view.judged_by, view.report.verdict) == ("no trust policy", "consistent, signer unknown")
    other = Bundle.parse(bundle)
    elsewhere = other.checkpoint.replace("registers.example.org", "registers.example.net")
    changed = msgspec.structs.replace(other, checkpoint=elsewhere)
    assert verify_view("x", changed.encode(), None, trust).judged_by == "no trust policy"


NOTE = (
    b"registers.example.org/x\n12\n"
    + b64encode(bytes(32))
    + b"\n\n\xe2\x80\x94 registers.example.org/x YWJj\n"
)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("checkpoint-12.txt", NOTE, "a checkpoint. By itself it proves nothing; a proof can be compared with it: "
         "counterfoil verify PROOF --trust trust.json --published checkpoint-12.txt"),
        ("all.tar.zst", b"\x28\xb5\x2f\xfd\0\1", "an archive, or something else that is compressed. An archive proves "
         "itself as a whole: counterfoil archive verify all.tar.zst --trust trust.json"),
        ("my list; x.txt", b"milk\neggs\n", "a text. Give a proof instead"),
        ("a.rsf", b"add-item\t{}\n", "a register in RSF. An import checks it whole before it writes anything: "
         "counterfoil import a.rsf --dry-run"),
        ("a.pdf", b"%PDF-1.7\n\xff", "a PDF document. Give the proof that came with it"),
        ("a.zip", b"PK\x03\x04\0", "a ZIP file. Unpack it"),
        ("a.gz", b"\x1f\x8b\0", "a compressed file. Unpack it"),
        ("a.tlog", b"c2sp.org/tlog-proof@v1\nindex 1\n", "a proof in the form of C2SP. It is not judged here"),
        ("a.json", b'{"checkpoint":"a\\n1', "a proof that was cut off or changed on its way. Fetch it again"),
        ("a.json", b'{"agencies":[],"origin":"x"}', "a trust policy. Give it beside a proof"),
        ("a.json", b'{"number":1,"record":"a","register":"b","version":1}', "an entry of a log."),
        ("a.json", b'{"ledger":{},"page":{}}', "one of these pages as JSON."),
        ("a.json", b"[1]", "JSON, but of no form that is known here."),
        ("a.bin", b"\xff\xfe\0", "neither text nor JSON."),
    ],
)  # fmt: skip
def test_what_is_no_proof_is_not_condemned_as_one(reader: Reader, name: str, data: bytes, said: str) -> None:
    page = judged(reader, {"proof": (name, data)})
    assert f"This file is not a proof It seems to be {said}" in page.text
    assert f"Size {len(data)} bytes" in page.text
    assert "Not valid" not in page.text
    assert "Each step" not in page.text


def test_a_proof_that_breaks_its_form_is_not_valid(reader: Reader, bundle: bytes) -> None:
    changed = bundle.replace(b'"format"', b'"formal":1,"format"')
    page = judged(reader, {"proof": ("x.json", changed)})
    assert "Not valid." in page.text
    assert "Form failed" in page.text


def test_a_proof_of_another_ledger_says_what_is_missing(
    reader: Reader, bundle: bytes, tmp_path: Path
) -> None:
    with Node.open(tmp_path / "home", origin="registers.example.net/other", agency="EX/GOV/O") as node:
        node.settle()
        policy = node.home.trust.read_bytes()
        size = Trust.parse(policy).genesis_size
        other = prove_record(node.store, ".agency", "EX/GOV/O", versions="latest", genesis_size=size).encode()
    page = judged(reader, {"proof": ("x.json", other)})
    assert "Consistent, signer unknown." in page.text
    assert "It is of the log registers.example.net/other, not of this one; give its trust.json" in page.text
    given = judged(reader, {"proof": ("x.json", other), "trust": ("trust.json", policy)})
    assert "Valid." in given.text
    for known in (given, judged(reader, {"proof": ("x.json", bundle)})):
        assert "It is of the log" not in known.text


@pytest.mark.parametrize(
    "data", [b"{}", b"\xff\xfe", b"[" * 100_000, b'{"checkpoint":1}', b'{"checkpoint":"x"}']
)
def test_anything_at_all_may_be_brought(reader: Reader, data: bytes) -> None:
    page = judged(reader, {"proof": ("x.json", data)}, "application/json")
    assert page["report"]["verdict"] == "not valid"


@pytest.mark.parametrize(
    "files", [{"proof": ("", b"")}, {"proof": ("x.json", b"")}, {"other": ("x.json", b"{}")}]
)
def test_without_a_file_it_says_which_to_choose(reader: Reader, files: dict[str, Any]) -> None:
    page = judged(reader, files, status=400)
    assert "choose a proof, a file that ends in .proof.json" in page.text


def test_a_trust_policy_that_is_none_is_refused(bundle: bytes) -> None:
    with pytest.raises(Malformed):
        verify_view("x", bundle, b"{}", None)
    with pytest.raises(Malformed, match="at most 1,048,576 bytes"):
        verify_view("x", bundle, b" " * ((1 << 20) + 1), None)


def test_what_is_brought_is_not_kept(reader: Reader, office: Served, bundle: bytes) -> None:
    before = sorted(path.name for path in office.node.home.folder.rglob("*"))
    judged(reader, {"proof": ("x.json", bundle)})
    assert sorted(path.name for path in office.node.home.folder.rglob("*")) == before


def test_a_file_name_cannot_write_a_command(reader: Reader, bundle: bytes) -> None:
    page = judged(reader, {"proof": ("x.json; rm -rf ~", bundle)})
    assert "counterfoil verify FILE --trust trust.json" in page.text
