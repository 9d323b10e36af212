"""Who may do what: nothing is allowed but by a scope."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.identity.caller import ANONYMOUS, OPERATOR, Caller, check_scope
from counterfoil.identity.officers import OPERATOR_OFFICER, Officer
from counterfoil.ledger.definition import REGISTER_NAME

ANN = Officer("0123456789abcdef", ("registrar",), None)
OFFICERS_ACTIONS = ("disclose", "search", "decide", "erase")


def caller(*scopes: str) -> Caller:
    return Caller("clerk", "token", frozenset(scopes))


def officer(*scopes: str) -> Caller:
    return Caller("ann", "token", frozenset(scopes), ANN)


def test_a_register_s_scope_is_for_that_register_alone() -> None:
    clerk = caller("write:land-title")
    assert clerk.may_write("land-title")
    assert clerk.may("write:land-title")
    for other in ("land-title.draft", "land", "tree", ".register", "*", ""):
        assert not clerk.may_write(other)
        assert not clerk.may(f"write:{other}")


def test_the_scope_of_any_register_leaves_out_the_ledger_s_own() -> None:
    assert caller("write:*").may_write("land-title")
    assert caller("write:*").may("write:land-title")
    assert not caller("write:*").may_write(".register")
    assert not caller("write:*").may("write:.agency")


def test_govern_is_for_the_ledger_s_own_registers_alone() -> None:
    assert caller("govern").may_write(".register")
    assert not caller("govern").may_write("land-title")


@pytest.mark.parametrize("scope", ["endorse", "metrics", "documents", "govern"])
def test_each_other_scope_stands_for_itself(scope: str) -> None:
    assert caller(scope).may(scope)
    assert not caller("read", "write:*").may(scope)


@pytest.mark.parametrize("action", OFFICERS_ACTIONS)
def test_what_an_officer_may_in_a_register_is_for_that_register_and_that_alone(action: str) -> None:
    ann = officer(f"{action}:birth")
    assert ann.may(f"{action}:birth")
    for other in ("death", "birth.draft", "*", ".register", ""):
        assert not ann.may(f"{action}:{other}")
    for wider in ("write", *OFFICERS_ACTIONS):
        assert ann.may(f"{wider}:birth") is (wider == action)


@pytest.mark.parametrize("action", OFFICERS_ACTIONS)
def test_in_any_register_leaves_out_the_ledger_s_own(action: str) -> None:
    assert officer(f"{action}:*", "govern").may(f"{action}:birth")
    assert not officer(f"{action}:*", "govern").may(f"{action}:.register")


@pytest.mark.parametrize("action", OFFICERS_ACTIONS)
@pytest.mark.parametrize("register", ["birth", "*"])
def test_an_officer_s_scope_is_nobody_else_s(action: str, register: str) -> None:
    with pytest.raises(Malformed, match=rf"clerk is no officer, and {action}:[a-z*]+ is for officers alone"):
        caller("read", f"{action}:{register}")


def test_a_caller_is_an_officer_or_none() -> None:
    assert officer("disclose:birth").officer == ANN
    assert caller("write:birth").officer is None
    assert ANONYMOUS.officer is None
    assert OPERATOR.officer == OPERATOR_OFFICER == Officer("0000000000000000", (), None, "operator")


def test_anybody_may_read_and_nothing_else() -> None:
    assert ANONYMOUS.may("read")
    assert caller("metrics").may("read")
    for scope in ("write:tree", "write:*", "write:.register", "govern", "endorse", "metrics", "documents"):
        assert not ANONYMOUS.may(scope)
    for action in OFFICERS_ACTIONS:
        assert not ANONYMOUS.may(f"{action}:birth")
        assert not caller("read", "write:*", "govern").may(f"{action}:birth")


def test_the_operator_may_everything() -> None:
    for scope in (
        "read",
        "write:tree",
        "write:*",
        "write:.register",
        "govern",
        "endorse",
        "metrics",
        "documents",
        *[f"{action}:birth" for action in OFFICERS_ACTIONS],
    ):
        assert OPERATOR.may(scope)


@pytest.mark.parametrize("asked", ["", "Endorse", "everything", "write", "endorse ", "share:birth"])
def test_a_scope_that_there_is_not_is_nobody_s(asked: str) -> None:
    assert not OPERATOR.may(asked)


@pytest.mark.parametrize(
    "scope",
    [
        *("write:tree", "write:land-title.draft", "write:*", "read", "govern", "endorse"),
        *("disclose:birth", "disclose:*", "search:birth", "decide:land-title.draft", "erase:*"),
    ],
)
def test_scopes_in_form(scope: str) -> None:
    check_scope(scope)


@pytest.mark.parametrize(
    "scope",
    [
        *(
            "",
            "write",
            "write:",
            "write:.register",
            "write:Tree",
            "write:tree*",
            "write:a.b.c",
            "*",
            "read\n",
        ),
        *(
            "disclose",
            "disclose:",
            "disclose:.register",
            "search:**",
            "decide:Birth",
            "share:birth",
            "erase:*\n",
        ),
    ],
)
def test_a_scope_that_is_not_in_form_is_told_the_forms(scope: str) -> None:
    with pytest.raises(
        Malformed,
        match=r"is no scope; use read .*write:REGISTER.*govern.*disclose:REGISTER.*erase:REGISTER.*documents$",
    ):
        check_scope(scope)
    with pytest.raises(Malformed, match="is no scope"):
        caller("read", scope)


@given(
    st.sampled_from(["write", *OFFICERS_ACTIONS]),
    st.one_of(
        st.from_regex(REGISTER_NAME, fullmatch=True), st.text(st.sampled_from("a9-.A_*é\n"), max_size=6)
    ),
)
def test_what_may_be_a_register_s_name_may_stand_in_a_scope_and_nothing_else(action: str, name: str) -> None:
    def in_form() -> bool:
        try:
            check_scope(f"{action}:{name}")
        except Malformed:
            return False
        return True

    assert in_form() is (name == "*" or REGISTER_NAME.fullmatch(name) is not None)
