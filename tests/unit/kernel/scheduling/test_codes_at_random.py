"""Codes under keys that come and go by chance, beside a plain table of who uses what."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from suanli.kernel.scheduling.codes import Codes

KEYS = st.sampled_from("abcdef")


class AnyUse(RuleBasedStateMachine):
    """Keys are taken and left; codes of keys in use are theirs alone and stay as they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: Codes[str] = Codes()
        self.spare = 0
        self.users: Counter[str] = Counter()
        self.given: dict[str, int] = {}
        self.remembered: dict[str, int] = {}
        """By key, in the order in which it went out of use."""

    @initialize(spare=st.integers(0, 3))
    def begin(self, spare: int) -> None:
        self.spare = spare
        self.codes = Codes(spare)

    @rule(key=KEYS)
    def take(self, key: str) -> None:
        code, is_new = self.codes.take(key)
        known = self.given.get(key, self.remembered.pop(key, None))
        assert is_new is (known is None)
        assert known in {None, code}
        self.given[key] = code
        self.users[key] += 1

    @precondition(lambda self: bool(self.given))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.given)))
        self.users[key] -= 1
        is_last = self.codes.leave(self.given[key])
        assert is_last is (self.users[key] == 0)
        if is_last:
            self.remembered[key] = self.given.pop(key)
            if len(self.remembered) > self.spare:
                del self.remembered[next(iter(self.remembered))]

    @rule()
    def go_on_as_a_copy(self) -> None:
        before, self.codes = self.codes, self.codes.copied()
        before.take("only in what it was copied from")

    @invariant()
    def keys_in_use_have_codes_of_their_own(self) -> None:
        assert sorted(self.codes) == sorted(self.given)
        assert len(set(self.given.values())) == len(self.given)
        for key, code in self.given.items():
            assert self.codes[key] == code
            assert self.codes.key(code) == key

    @invariant()
    def codes_are_those_of_keys_in_use_and_remembered(self) -> None:
        codes = self.codes.codes()
        assert sorted(codes) == sorted([*self.given.values(), *self.remembered.values()])
        assert len(set(codes)) == len(codes)
        assert all(0 <= code < len(self.codes) for code in codes)

    @invariant()
    def no_more_codes_are_given_than_keys_were_known_at_a_time(self) -> None:
        assert len(self.codes) <= 6 + 1


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def test_nothing_is_in_use_to_begin_with() -> None:
    codes: Codes[str] = Codes()
    assert (list(codes), codes.codes(), len(codes)) == ([], [], 0)


@pytest.mark.parametrize("spare", [0, 1, 5])
def test_codes_count_from_none_on(spare: int) -> None:
    codes: Codes[str] = Codes(spare)
    assert [codes.take(key)[0] for key in "abcabc"] == [0, 1, 2, 0, 1, 2]
    assert len(codes) == 3


def test_the_length_is_of_all_codes_that_were_ever_given() -> None:
    codes: Codes[str] = Codes()
    for key in "abc":
        codes.take(key)
    for code in range(3):
        codes.leave(code)
    assert (len(codes), list(codes)) == (3, [])
    codes.take("d")
    assert len(codes) == 3


def test_the_key_that_went_out_of_use_first_is_forgotten_first() -> None:
    codes: Codes[str] = Codes(spare=2)
    for key in "abc":
        codes.take(key)
    for code in (1, 0, 2):
        codes.leave(code)
    assert codes.take("a") == (0, False)
    assert codes.take("c") == (2, False)
    assert codes.take("b") == (1, True)


def test_what_is_taken_again_is_remembered_anew_when_it_is_left_again() -> None:
    codes: Codes[str] = Codes(spare=1)
    for key in "ab":
        codes.take(key)
    codes.leave(0)
    codes.take("a")
    codes.leave(1)
    codes.leave(0)
    # The key left last is the one that is remembered.
    assert codes.take("a") == (0, False)
    assert codes.take("b") == (1, True)


def test_who_is_not_in_use_has_no_code() -> None:
    codes: Codes[str] = Codes(spare=4)
    codes.take("a")
    codes.leave(0)
    with pytest.raises(KeyError):
        codes["a"]
