from suanli.kernel.scheduling.codes import Codes


def test_a_code_is_given_again_once_nobody_uses_its_key() -> None:
    codes: Codes[str] = Codes()
    assert [codes.take(key) for key in "aab"] == [(0, True), (0, False), (1, True)]
    assert [codes.leave(0), codes.leave(0)] == [False, True]
    assert codes.take("c") == (0, True)
    assert (list(codes), codes.key(0), len(codes)) == (["b", "c"], "c", 2)


def test_the_keys_that_went_out_of_use_last_are_found_as_they_were() -> None:
    codes: Codes[str] = Codes(spare=1)
    for key in "abc":
        codes.take(key)
    codes.leave(0)
    codes.leave(1)
    assert list(codes) == ["c"]
    assert sorted(codes.codes()) == [1, 2]
    assert codes.take("b") == (1, False)
    assert codes.take("d") == (0, True)
