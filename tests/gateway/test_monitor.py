"""The monitor: what it keeps of a log, and each way in which a log can turn out not to be well."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged
from counterfoil.gateway.monitor import Monitor, Patience, Standing, Watched
from counterfoil.gateway.monitor_evidence import judge_evidence, read_evidence
from counterfoil.gateway.monitor_keys import Expected
from counterfoil.gateway.monitor_state import monitor_state
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.merkle import EMPTY_ROOT
from counterfoil.proof.note import encode_base64, sign_note
from counterfoil.proof.trust import Trust, TrustedAgency
from tests.gateway.log_files import ReadingClient, hide, show
from tests.gateway.small_log import NOW, ORIGIN, SmallLog, key

HONEST = SmallLog()
FORKED = SmallLog("other", fork_at=100)
"""The same log as far as entry 99, with the same keys."""
BY_KEYS = Expected(HONEST.keys)


class Desk:
    """A monitor at work: its folder, its client, its clock and what it expects."""

    def __init__(self, folder: Path, client: ReadingClient, expected: Expected = BY_KEYS):
        self.folder = folder
        self.state = folder / "state"
        self.client = client
        self.expected = expected
        self.now = NOW

    def look(self, *urls: str, patience: Patience | None = None) -> list[Watched]:
        self.client.read.clear()
        with monitor_state(self.state) as state:
            monitor = Monitor(self.client, state, self.expected, self.now)
            return monitor.look(urls, patience or Patience())

    def one(self, *urls: str, patience: Patience | None = None) -> Watched:
        (found,) = self.look(*urls, patience=patience)
        return found

    def kept(self, folder: str = "checkpoints") -> list[int]:
        return sorted(int(path.name.partition("-")[0]) for path in (self.state / folder).iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ReadingClient() as client:
        yield Desk(tmp_path, client)


def standings(found: Sequence[Watched]) -> list[str]:
    return [each.standing.value for each in found]


def name_of(log: SmallLog, size: int) -> str:
    return f"size {size}, root {encode_base64(log.root(size))}"


# All is well


def test_the_first_checkpoint_is_kept_and_nothing_else_is_read(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    found = desk.one(url)
    assert (found.standing, found.sentence, found.evidence) == (Standing.WELL, name_of(HONEST, 300), None)
    assert desk.client.read == [f"{url}/checkpoint"]
    (path,) = (desk.state / "checkpoints").iterdir()
    assert path.name == f"{300:019}-{HONEST.root(300).hex()}.txt"
    assert path.read_bytes() == (desk.folder / "log/checkpoint").read_bytes()


def test_a_log_that_grows_is_well_and_each_checkpoint_kept(desk: Desk) -> None:
    for size in (1, 2, 255, 256, 257, 257, 700):
        assert desk.one(show(desk.folder / "log", HONEST, size)).standing is Standing.WELL
    assert desk.kept() == [1, 2, 255, 256, 257, 700]
    assert desk.kept("unproven") == []


def test_only_the_tiles_that_the_proof_takes_are_read(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 600))
    url = show(desk.folder / "log", HONEST, 5_000)
    desk.one(url)
    tiles = {"tile/0/002", "tile/1/000.p/19", "tile/0/019.p/136"}
    assert {each.removeprefix(f"{url}/") for each in desk.client.read} == {"checkpoint", *tiles}


def test_the_full_tile_serves_where_the_partial_one_is_gone(desk: Desk) -> None:
    folder = desk.folder / "log"
    desk.one(show(folder, HONEST, 300))
    show(folder, HONEST, 400)
    show(folder, HONEST, 600)
    (folder / "tile/0/001.p/144").unlink()
    (folder / "checkpoint").write_bytes(HONEST.note(400))
    assert desk.one(folder.as_uri()).standing is Standing.WELL


def test_new_signatures_on_the_same_checkpoint_are_no_new_one(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    desk.one(url)
    again = (
        HONEST.note(300)
        + sign_note(
            HONEST.note(300).decode().partition("\n\n")[0] + "\n", key("w"), "witness.example/1", 0x04, NOW
        ).line.encode()
    )
    (desk.folder / "log" / "checkpoint").write_bytes(again)
    assert desk.one(url).standing is Standing.WELL
    assert desk.kept() == [300]


def test_an_empty_log_is_well(desk: Desk) -> None:
    assert HONEST.root(0) == EMPTY_ROOT
    assert desk.one(show(desk.folder / "log", HONEST, 0)).standing is Standing.WELL
    assert desk.one(show(desk.folder / "log", HONEST, 5)).standing is Standing.WELL


def test_the_log_of_a_site_is_found_by_the_address_of_the_site(desk: Desk) -> None:
    show(desk.folder / "site/v1/log", HONEST, 300)
    url = (desk.folder / "site").as_uri()
    assert desk.one(url).standing is Standing.WELL
    show(desk.folder / "site/v1/log", HONEST, 301)
    assert desk.one(url).standing is Standing.WELL


# Forks


def test_two_roots_of_one_size_are_a_fork_and_proved_by_the_notes_alone(desk: Desk) -> None:
    desk.one(show(desk.folder / "first", HONEST, 300))
    found = desk.one(show(desk.folder / "second", FORKED, 300))
    assert found.standing is Standing.FORK
    assert found.sentence == (
        f"the log has signed two histories: {name_of(HONEST, 300)}, and {name_of(FORKED, 300)}"
    )
    assert found.evidence is not None
    data = found.evidence.read_bytes()
    evidence = read_evidence(data)
    assert (evidence.first.encode(), evidence.second.encode()) == (
        (desk.folder / "first/checkpoint").read_bytes(),
        (desk.folder / "second/checkpoint").read_bytes(),
    )
    assert (evidence.kind, evidence.time, evidence.root) == ("fork", NOW, None)
    assert judge_evidence(data, HONEST.keys)


def test_a_larger_log_of_another_history_is_a_fork_and_proved_by_its_own_tiles(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 300))
    shutil.rmtree(desk.folder / "log")
    found = desk.one(show(desk.folder / "log", FORKED, 310))
    assert found.standing is Standing.FORK
    assert found.sentence == (
        f"the log has signed two histories: {name_of(HONEST, 300)}, and {name_of(FORKED, 310)}, "
        f"whose log had at size 300 the root {encode_base64(FORKED.root(300))}"
    )
    assert found.evidence is not None
    assert judge_evidence(found.evidence.read_bytes(), HONEST.keys)
    assert desk.kept() == [300]


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 700), min_size=2, max_size=4, unique=True).map(sorted),
    st.integers(0, 600),
)
def test_a_fork_is_found_wherever_it_begins_and_never_without_one(sizes: list[int], fork_at: int) -> None:
    """The last look is at another history; it is a fork exactly where that differs in what was seen before."""
    other = SmallLog("other", fork_at=fork_at)
    with tempfile.TemporaryDirectory() as folder, ReadingClient() as client:
        desk = Desk(Path(folder), client)
        for size in sizes[:-1]:
            assert desk.one(show(desk.folder / "log", HONEST, size)).standing is Standing.WELL
        shutil.rmtree(desk.folder / "log")
        found = desk.one(show(desk.folder / "log", other, sizes[-1]))
        if sizes[-2] > fork_at:
            assert found.standing is Standing.FORK
            assert found.evidence is not None
            assert judge_evidence(found.evidence.read_bytes(), HONEST.keys)
        else:
            assert found.standing is Standing.WELL
            assert desk.kept() == sizes


def test_a_fork_is_told_of_until_its_evidence_is_moved_away(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 300))
    path = desk.one(show(desk.folder / "log", FORKED, 300)).evidence
    assert path is not None
    url = show(desk.folder / "log", HONEST, 300)
    well, told = desk.look(url)
    assert (well.standing, told.standing, told.evidence) == (Standing.WELL, Standing.FORK, path)
    assert told.sentence == f"a fork was found before; it is told of until {path} is moved away"
    path.rename(desk.folder / "fork.json")
    assert standings(desk.look(url)) == ["well"]


def test_a_fork_that_lasts_is_told_of_once_a_look(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 300))
    url = show(desk.folder / "log", FORKED, 300)
    assert desk.one(url).evidence == desk.one(url).evidence
    assert len(list((desk.state / "evidence").iterdir())) == 1


def test_a_smaller_log_of_another_history_is_a_fork_by_what_was_seen_below_it(desk: Desk) -> None:
    for size in (200, 300):
        desk.one(show(desk.folder / "log", HONEST, size))
    shutil.rmtree(desk.folder / "log")
    found = desk.one(show(desk.folder / "log", FORKED, 250))
    assert found.standing is Standing.FORK
    assert found.evidence is not None
    assert judge_evidence(found.evidence.read_bytes(), HONEST.keys)
    assert found.evidence.name.startswith("fork-200-")


# Rollbacks


def test_a_smaller_log_at_the_same_address_is_a_rollback(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    before = (desk.folder / "log/checkpoint").read_bytes()
    desk.one(url)
    show(desk.folder / "log", HONEST, 250)
    after = (desk.folder / "log/checkpoint").read_bytes()
    found = desk.one(url)
    assert found.standing is Standing.ROLLBACK
    assert found.sentence == f"it showed {name_of(HONEST, 300)} before, and now {name_of(HONEST, 250)}"
    assert found.evidence is not None
    evidence = read_evidence(found.evidence.read_bytes())
    assert (evidence.kind, evidence.first.encode(), evidence.second.encode()) == (
        "rollback",
        before,
        after,
    )
    assert not judge_evidence(found.evidence.read_bytes(), HONEST.keys), "each of the two can be true"
    assert standings(desk.look(url)) == ["rollback"]
    assert standings(desk.look(show(desk.folder / "log", HONEST, 301))) == ["well"]


def test_a_log_rebuilt_smaller_is_a_rollback_and_a_fork_once_it_has_grown(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 300))
    shutil.rmtree(desk.folder / "log")
    assert desk.one(show(desk.folder / "log", FORKED, 250)).standing is Standing.ROLLBACK
    assert (desk.kept(), desk.kept("unproven")) == ([300], [250])
    assert desk.look(show(desk.folder / "log", FORKED, 320))[0].standing is Standing.FORK


def test_a_rollback_is_told_of_also_where_the_first_checkpoint_was_taken_away(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 300))
    (path,) = (desk.state / "checkpoints").iterdir()
    url = show(desk.folder / "log", HONEST, 250)
    path.write_bytes(b"damaged")
    with pytest.raises(Damaged, match=path.name):
        desk.look(url)
    path.unlink()
    found = desk.one(url)
    assert (found.standing, found.evidence) == (Standing.ROLLBACK, None)
    assert found.sentence == (
        "it showed size 300 (its checkpoint is missing or damaged in the monitor's folder) before, "
        f"and now {name_of(HONEST, 250)}"
    )


def test_it_is_a_rollback_at_a_new_address_too(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 300))
    url = show(desk.folder / "elsewhere", HONEST, 250)
    for _ in range(2):
        found = desk.one(url)
        assert found.standing is Standing.ROLLBACK
        assert found.sentence == (
            f"no address that was asked shows as much as was seen of this log before, {name_of(HONEST, 300)}; "
            f"this one shows {name_of(HONEST, 250)}"
        )
        assert found.evidence is not None
        evidence = read_evidence(found.evidence.read_bytes())
        assert (evidence.kind, evidence.url) == ("rollback", url)
    assert standings(desk.look(show(desk.folder / "third", HONEST, 300), url)) == ["well", "well"]


def test_the_address_that_shows_most_is_told_of(desk: Desk) -> None:
    desk.one(show(desk.folder / "log", HONEST, 300))
    urls = [show(desk.folder / f"at {size}", HONEST, size) for size in (200, 250, 220)]
    assert standings(desk.look(*urls)) == ["unknown", "rollback", "unknown"]


def test_it_is_no_rollback_while_an_address_that_may_show_more_does_not_answer(desk: Desk) -> None:
    agency, mirror = show(desk.folder / "agency", HONEST, 300), show(desk.folder / "mirror", HONEST, 250)
    assert standings(desk.look(agency, mirror)) == ["well", "well"]
    shutil.rmtree(desk.folder / "agency")
    assert standings(desk.look(agency, mirror)) == ["unknown", "well"]


# Several addresses


def test_a_mirror_that_is_behind_is_well(desk: Desk) -> None:
    agency = show(desk.folder / "agency", HONEST, 300)
    mirror = show(desk.folder / "mirror", HONEST, 250)
    assert standings(desk.look(agency, mirror)) == ["well", "well"]
    assert desk.kept() == [250, 300]


@pytest.mark.parametrize("size", [250, 300, 350])
@pytest.mark.parametrize("first", ["agency", "mirror"])
def test_a_mirror_that_shows_another_history_is_a_fork(desk: Desk, size: int, first: str) -> None:
    agency = show(desk.folder / "agency", HONEST, 300)
    mirror = show(desk.folder / "mirror", FORKED, size)
    urls = [agency, mirror] if first == "agency" else [mirror, agency]
    found = desk.look(*urls)
    assert standings(found) == ["well", "fork"]
    evidence = found[1].evidence
    assert evidence is not None
    assert judge_evidence(evidence.read_bytes(), HONEST.keys)


def test_the_same_address_twice_is_asked_once(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    assert standings(desk.look(url, url)) == ["well"]


def test_an_address_is_one_however_it_is_written(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    other = url.replace("file:///", "file://localhost/")
    found = desk.look(f"{url}/", other, url)
    assert [each.url for each in found] == [f"{url}/"]
    assert "before, and now" in desk.one(show(desk.folder / "log", HONEST, 250)).sentence


# What cannot be found out


def test_without_the_tiles_it_is_unknown_and_found_out_later(desk: Desk) -> None:
    folder = desk.folder / "log"
    desk.one(show(folder, HONEST, 300))
    url = show(folder, HONEST, 310, tiles=False)
    assert desk.one(url).standing is Standing.UNKNOWN
    assert (desk.kept(), desk.kept("unproven")) == ([300], [310])
    show(folder, HONEST, 320)
    assert standings(desk.look(url)) == ["well"]
    assert (desk.kept(), desk.kept("unproven")) == ([300, 310, 320], [])


def test_a_fork_shown_once_without_tiles_is_found_out_later(desk: Desk) -> None:
    folder = desk.folder / "log"
    desk.one(show(folder, HONEST, 300))
    assert desk.one(show(folder, FORKED, 310, tiles=False)).standing is Standing.UNKNOWN
    found = desk.look(show(folder, HONEST, 320))
    assert standings(found) == ["well", "fork"]
    assert found[1].url == ""
    assert found[1].evidence is not None
    assert judge_evidence(found[1].evidence.read_bytes(), HONEST.keys)
    assert desk.kept("unproven") == []


def test_tiles_that_do_not_lead_to_the_signed_root_are_broken(desk: Desk) -> None:
    folder = desk.folder / "log"
    desk.one(show(folder, HONEST, 300))
    url = show(folder, HONEST, 600)
    tile = folder / "tile/0/001"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    found = desk.one(url)
    assert found.standing is Standing.BROKEN
    assert found.sentence.startswith(f"the tiles at {url} do not lead to the root that was signed: ")
    tile.write_bytes(b"cut")
    assert desk.one(url).standing is Standing.BROKEN
    hide(folder)
    assert desk.one(url).standing is Standing.UNKNOWN
    show(folder, HONEST, 600)
    assert standings(desk.look(url)) == ["well"]


def test_when_its_time_is_over_the_rest_is_unknown_and_what_was_found_is_kept(desk: Desk) -> None:
    with ReadingClient() as client, monitor_state(desk.state) as state:
        urls = [show(desk.folder / "log", HONEST, 300), show(desk.folder / "mirror", HONEST, 300)]
        found = Monitor(client, state, BY_KEYS, NOW, 0.0).look(urls, Patience())
    assert standings(found) == ["unknown", "unknown"]
    assert (
        found[0].sentence == f"{urls[0]}/checkpoint was not asked: the time for all requests together is over"
    )
    assert (desk.state / "addresses.json").exists()


def test_an_address_that_is_slow_leaves_the_others_their_time(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, ReadingClient() as client:
        slow = "http://{}:{}/".format(*mute.getsockname())
        url = show(desk.folder / "log", HONEST, 300)
        with monitor_state(desk.state) as state:
            found = Monitor(client, state, BY_KEYS, NOW, 2.0).look([slow, url], Patience())
    assert standings(found) == ["unknown", "well"]


def test_what_is_no_checkpoint_is_unknown(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    (desk.folder / "log" / "checkpoint").write_bytes(b"<!DOCTYPE html><p>Welcome to the hotel's network")
    found = desk.one(url)
    assert found.standing is Standing.UNKNOWN
    assert "is no signed checkpoint" in found.sentence


def test_silence_begins_when_an_address_was_well_last(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    patience = Patience(silence=3_600)
    assert standings(desk.look(url, patience=patience)) == ["well"]
    shutil.rmtree(desk.folder / "log")
    for later, standing in ((1, "unknown"), (3_600, "unknown"), (3_601, "silence")):
        desk.now = NOW + later
        assert standings(desk.look(url, patience=patience)) == [standing]
    show(desk.folder / "log", HONEST, 300)
    assert standings(desk.look(url, patience=patience)) == ["well"]


def test_silence_of_an_address_that_never_answered_begins_when_it_was_asked_first(desk: Desk) -> None:
    url = (desk.folder / "nothing").as_uri()
    assert standings(desk.look(url, patience=Patience(silence=60))) == ["unknown"]
    desk.now += 61
    found = desk.one(url, patience=Patience(silence=60))
    assert found.standing is Standing.SILENCE
    assert found.sentence.startswith("nothing that is well since 2027-01-15T08:00:00Z: ")


def test_a_log_that_does_not_grow_is_silent_only_where_growth_is_expected(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    desk.one(url)
    desk.now += 3_601
    assert standings(desk.look(url)) == ["well"]
    found = desk.one(url, patience=Patience(growth=3_600))
    assert found.standing is Standing.SILENCE
    assert found.sentence == (
        f"the log has not grown since 2027-01-15T08:00:00Z; it has {name_of(HONEST, 300)}"
    )
    show(desk.folder / "log", HONEST, 301)
    assert standings(desk.look(url, patience=Patience(growth=3_600))) == ["well"]


# Whose signatures count


def test_a_signature_that_does_not_hold_is_told_of(desk: Desk) -> None:
    url = show(desk.folder / "log", HONEST, 300)
    note = HONEST.note(300).replace(b"\n300\n", b"\n301\n")
    (desk.folder / "log" / "checkpoint").write_bytes(note)
    found = desk.one(url)
    assert found.standing is Standing.UNSIGNED
    assert "does not hold" in found.sentence
    assert desk.kept() == desk.kept("unproven") == []


def test_an_empty_tree_with_a_root_is_not_believed(desk: Desk) -> None:
    class Odd(SmallLog):
        def root(self, size: int) -> bytes:
            return bytes(32)

    found = desk.one(show(desk.folder / "log", Odd(), 0))
    assert found.standing is Standing.UNSIGNED


def test_a_log_that_none_of_the_keys_has_signed_is_told_of(desk: Desk) -> None:
    desk.expected = Expected(SmallLog(origin="log.example/2").keys)
    found = desk.one(show(desk.folder / "log", HONEST, 300))
    assert (found.standing, found.sentence) == (
        Standing.UNSIGNED,
        f"none of the keys given has signed for the log '{ORIGIN}'",
    )


def test_a_folder_is_of_one_log_and_another_at_an_address_is_told_of_there(desk: Desk) -> None:
    other = SmallLog(origin="log.example/2")
    desk.expected = Expected((*HONEST.keys, *other.keys))
    urls = [show(desk.folder / "log", HONEST, 300), show(desk.folder / "other", other, 300)]
    desk.one(urls[0])
    desk.now += 60
    found = desk.look(urls[1], urls[0])
    assert standings(found) == ["unsigned", "well"]
    assert "of the log 'log.example/1', and this one is of 'log.example/2'" in found[0].sentence
    with monitor_state(desk.state) as state:
        assert [state.address(url, 0).seen for url in urls] == [desk.now, desk.now], "it was saved"


def trust(**changes: object) -> Trust:
    agency = TrustedAgency("EX/GOV/LAND", HONEST.keys)
    return Trust(**{"origin": ORIGIN, "agencies": (agency,), "require": 1, **changes})  # type: ignore[arg-type]  # by name


def test_a_trust_policy_names_the_beginning_and_the_tiles_must_lead_from_it(desk: Desk) -> None:
    desk.expected = Expected.by(trust(genesis_size=6, genesis_root=labelled(HONEST.root(6))))
    url = show(desk.folder / "log", HONEST, 300)
    assert desk.one(url).standing is Standing.WELL
    assert {each.removeprefix(f"{url}/") for each in desk.client.read} > {"checkpoint", "tile/0/000"}


@pytest.mark.parametrize("size", [6, 300])
def test_another_beginning_than_the_trust_policy_names_is_a_fork(desk: Desk, size: int) -> None:
    desk.expected = Expected.by(trust(genesis_size=6, genesis_root=labelled(SmallLog("other").root(6))))
    url = show(desk.folder / "log", HONEST, size)
    for _ in range(2):
        found = desk.one(url)
        assert found.standing is Standing.FORK
        assert found.sentence == (
            f"the log of {name_of(HONEST, size)} does not begin as the trust policy says: at size 6 its root was "
            f"{encode_base64(HONEST.root(6))}, not {encode_base64(SmallLog('other').root(6))}"
        )
    assert (desk.kept(), desk.kept("unproven")) == ([], [size])


def test_a_log_smaller_than_its_beginning_is_broken(desk: Desk) -> None:
    desk.expected = Expected.by(trust(genesis_size=6, genesis_root=labelled(HONEST.root(6))))
    found = desk.one(show(desk.folder / "log", HONEST, 5))
    assert found.standing is Standing.BROKEN
    assert found.sentence == "the log has 5 entries, fewer than it began with by the trust policy"


def test_the_agencies_that_the_policy_requires_must_have_signed(desk: Desk) -> None:
    desk.expected = Expected.by(trust(require_algorithms=("ml-dsa-44",)))
    log = SmallLog()
    log.signers = log.signers[:1]
    found = desk.one(show(desk.folder / "log", log, 300))
    assert (found.standing, found.sentence) == (
        Standing.UNSIGNED,
        "the checkpoint has the signatures of 0 of its agencies; the trust policy asks for 1",
    )


def test_a_witness_that_has_not_cosigned_yet_is_waited_for(desk: Desk) -> None:
    witness = key("witness")
    desk.expected = Expected.by(
        trust(witnesses=(cosigner_key("witness.example/1", witness),), require_witnesses=1)
    )
    url = show(desk.folder / "log", HONEST, 300)
    found = desk.one(url)
    assert found.standing is Standing.UNKNOWN
    assert found.sentence == (
        "its checkpoint is not complete: 0 witnesses have cosigned it, of 1 that are required"
    )
    assert desk.kept() == [300]
    text = Checkpoint(ORIGIN, 300, HONEST.root(300)).text
    line = sign_note(text, witness, "witness.example/1", 0x04, NOW).line
    (desk.folder / "log" / "checkpoint").write_bytes(HONEST.note(300) + line.encode())
    assert desk.one(url).standing is Standing.WELL
