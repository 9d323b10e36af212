"""What happens to skipped tests: those that the list allows stay skipped, all others fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
LIST = """\
# a comment allows nothing: for any reason
tests/test_sample.py::test_one: no such database
tests/legacy/*: not on this machine
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty project with this one's conftest and the list above."""
    (pytester.path / "tests").mkdir()
    shutil.copy(CONFTEST, pytester.path / "tests")
    (pytester.path / "tests/allowed-skips.txt").write_text(LIST, "utf-8")
    return pytester


def run(project: pytest.Pytester, code: str, module: str = "tests/test_sample.py") -> pytest.RunResult:
    """Run pytest on a module with `code`, in a process of its own."""
    path = project.path / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"import pytest\n{code}", "utf-8")
    return project.runpytest_subprocess("-p", "no:cacheprovider", "tests")


def test_a_skip_that_the_list_names_is_a_skip(project: pytest.Pytester) -> None:
    result = run(project, "def test_one(): pytest.skip('no such database here')")
    result.assert_outcomes(skipped=1)
    assert result.ret == 0


def test_a_skip_for_another_reason_fails(project: pytest.Pytester) -> None:
    result = run(project, "def test_one(): pytest.skip('too slow')")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        "tests/test_sample.py::test_one was skipped (too slow), which no line of allowed-skips.txt allows"
    )


def test_the_same_reason_in_another_test_fails(project: pytest.Pytester) -> None:
    result = run(project, "def test_two(): pytest.skip('no such database')\ndef test_three(): pass")
    result.assert_outcomes(failed=1, passed=1)


def test_a_pattern_may_name_a_folder(project: pytest.Pytester) -> None:
    result = run(
        project,
        "@pytest.mark.skipif(True, reason='not on this machine')\ndef test_any(): pass",
        "tests/legacy/test_x.py",
    )
    result.assert_outcomes(skipped=1)


def test_a_mark_is_judged_like_a_call(project: pytest.Pytester) -> None:
    result = run(project, "@pytest.mark.skip(reason='later')\ndef test_one(): pass")
    result.assert_outcomes(errors=1)


def test_a_skip_in_a_fixture_is_judged(project: pytest.Pytester) -> None:
    result = run(project, "@pytest.fixture\ndef thing(): pytest.skip('later')\ndef test_one(thing): pass")
    result.assert_outcomes(errors=1)


def test_a_skip_of_a_whole_module_is_judged(project: pytest.Pytester) -> None:
    result = run(project, "pytest.skip('later', allow_module_level=True)\ndef test_one(): pass")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        "*test_sample.py was skipped (later), which no line of allowed-skips.txt allows"
    )


def test_an_expected_failure_is_judged(project: pytest.Pytester) -> None:
    result = run(project, "@pytest.mark.xfail(reason='a bug')\ndef test_one(): raise ValueError")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("*was skipped (a bug)*")


def test_tests_that_run_are_left_alone(project: pytest.Pytester) -> None:
    result = run(project, "def test_good(): pass\ndef test_bad(): raise ValueError('as it should')")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines("E*ValueError: as it should")
