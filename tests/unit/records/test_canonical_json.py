"""Canonical JSON for hashes: RFC 8785.

Expected values are the RFC's own: number samples of appendix B, and the examples of sections 3.2.2 to 3.2.4.
"""

from __future__ import annotations

import enum
import functools
import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json, compact_json, exact, plain

# https://www.rfc-editor.org/rfc/rfc8785#appendix-B: IEEE 754 bits and the JSON of the number
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_spelled_as_in_appendix_b(bits: str, text: str) -> None:
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical_json(number).decode() == text


def test_the_example_of_the_rfc_has_the_bytes_of_the_rfc() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical_json(value).hex(" ") == (  # section 3.2.4
        "7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 "
        "75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 73 22 3a "
        "5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31 "
        "65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37 "
        "5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 "
        "30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d"
    )


def test_keys_are_sorted_by_their_utf_16_code_units() -> None:
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    names = ["Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew Letter"]  # section 3.2.3
    text = canonical_json(value).decode()
    assert sorted(names, key=text.index) == names


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=6)
    | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1e18, 1e18).map(round).map(float),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_any_value_has_the_bytes_that_another_implementation_writes(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


class Backwards(str):
    """Compares itself the other way round, as an enumeration might."""

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


class Wanted(enum.StrEnum):
    MUST = "must"


def nested(depth: int) -> Any:
    return functools.reduce(lambda inner, _: {"a": [inner]}, range(depth // 2), 1)


@pytest.mark.parametrize(
    "value",
    [
        {Backwards("a"): 1, Backwards("b"): 2},
        {Wanted.MUST: Wanted.MUST, "a": enum.IntEnum("Count", {"ONE": 1}).ONE},
        '\x00\x1f\x7f\x80\u2028\u2029\ufeff\U0001f600"\\/\b\f\n\r\t',
        nested(700),
    ],
    ids=["keys that compare themselves", "enumerations", "letters", "many levels"],
)
def test_an_uncommon_value_has_the_bytes_that_another_implementation_writes(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "forbids NaN and infinities"),
        (float("-inf"), "forbids NaN and infinities"),
        (2**53, r"forbids integers beyond 2\*\*53 - 1: 9007199254740992"),
        (-(2**53), r"forbids integers beyond 2\*\*53 - 1"),
        ({1: "a"}, "object keys must be strings"),
        ("\ud800", "non-UTF-8 codepoints"),
        ({"\udead": 1}, "forbids lone surrogates"),
        ({"a": b"x"}, "unsupported type"),
    ],
)
def test_what_the_rfc_forbids_is_refused_with_a_sentence(value: Any, why: str) -> None:
    with pytest.raises(ValueError, match=rf"^RFC 8785 .*{why}.*\.$"):
        canonical_json([value])


def test_anything_becomes_json_that_can_be_spelled() -> None:
    value = {1: float("-inf"), "s": "\ud800", "t": (1,), "i": 2**53, "least": -(2**53) + 1}
    text = b'{"1":"-Infinity","i":"9007199254740992","least":-9007199254740991,"s":"?","t":[1]}'
    assert canonical_json(exact(plain(value))) == text


def test_what_is_only_stored_keeps_its_numbers_as_they_are() -> None:
    assert compact_json({"b": [1.0, 2**60], "a": "é"}) == '{"a":"é","b":[1.0,1152921504606846976]}'.encode()
