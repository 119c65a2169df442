# SPDX-License-Identifier: Apache-2.0
"""CPU sets: texts that people and the kernel write, and the operations on sets."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cpu_sets

from kvmrt_plan.values.cpuset import (
    CPULIST_PATTERN,
    EMPTY,
    MAX_ID,
    CpuListError,
    CpuSet,
    union,
)


@given(cpu_sets())
def test_a_formatted_list_reads_as_the_same_set(cpus):
    assert CpuSet.parse(str(cpus)) == cpus
    assert CpuSet.parse_kernel(f"{cpus}\n") == cpus
    assert re.search(CPULIST_PATTERN, str(cpus))


@given(cpu_sets(max_id=4095))
def test_a_formatted_mask_reads_as_the_same_set(cpus):
    assert CpuSet.parse_mask(cpus.format_mask() + "\n") == cpus


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)))
def test_operations_are_those_of_sets(one, other):
    left, right = CpuSet(one), CpuSet(other)
    assert set(left | right) == one | other
    assert set(left & right) == one & other
    assert set(left - right) == one - other
    assert (left <= right) == (one <= other)
    assert len(left) == len(one)
    assert list(left) == sorted(one)
    assert [number for number in range(301) if number in left] == sorted(one)
    assert union([left, right]) == left | right
    assert (left == right) == (one == other)


@given(st.text(max_size=30))
def test_any_text_is_a_list_or_refused_as_one(text):
    for parse in (CpuSet.parse, CpuSet.parse_kernel, CpuSet.parse_mask):
        try:
            found = parse(text)
        except CpuListError:
            continue
        assert CpuSet.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("0", [0]),
        ("3, 0-1", [0, 1, 3]),
        (" 4-5 ,4", [4, 5]),
        ("007", [7]),
        (f"{MAX_ID}", [MAX_ID]),
    ],
)
def test_lists_as_people_write_them(text, expected):
    assert list(CpuSet.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "part", "problem"),
    [
        ("4-", "4-", "is neither a number nor a range such as 4-7"),
        ("-4", "-4", "is neither a number nor a range such as 4-7"),
        ("1,,2", "", "there is nothing between two commas"),
        ("1,", "", "there is nothing between two commas"),
        ("7-3", "7-3", "the range runs backwards"),
        ("99999999999", "99999999999", "is larger than 65535"),
        ("0-65536", "0-65536", "is larger than 65535"),
        ("0-7:1/2", "0-7:1/2", "is neither a number nor a range such as 4-7"),
        ("4 - 7", "4 - 7", "is neither a number nor a range such as 4-7"),
        ("^3", "^3", "is neither a number nor a range such as 4-7"),
        ("٣", "٣", "is neither a number nor a range such as 4-7"),
        ("0x1", "0x1", "is neither a number nor a range such as 4-7"),
    ],
)
def test_a_bad_list_names_its_part_and_the_problem(text, part, problem):
    with pytest.raises(CpuListError) as caught:
        CpuSet.parse(text)
    assert (caught.value.text, caught.value.problem) == (part, problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n", []),
        ("(null)\n", []),
        ("0-7\0", list(range(8))),
        ("0-6:1/2", [0, 2, 4, 6]),
        ("0-9:2/5,20", [0, 1, 5, 6, 20]),
        ("3-3:1/1", [3]),
    ],
)
def test_lists_as_the_kernel_writes_them(text, expected):
    assert list(CpuSet.parse_kernel(text)) == expected


@pytest.mark.parametrize("text", ["0-7:0/2", "0-7:3/2", "0-7:1/", "0-7:/2", "4:1/2", "all"])
def test_a_bad_stride_is_refused(text):
    with pytest.raises(CpuListError):
        CpuSet.parse_kernel(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0\n", []),
        ("ff", list(range(8))),
        ("00000000,0000000f\n", [0, 1, 2, 3]),
        ("1,00000003", [0, 1, 32]),
        ("80000000,00000000,00000001", [0, 95]),
        ("FFFFFFFFF", list(range(36))),
    ],
)
def test_masks_as_the_kernel_writes_them(text, expected):
    assert list(CpuSet.parse_mask(text)) == expected


@pytest.mark.parametrize("text", ["", ",", "g", "0x3", "1,", "1,,2", "123456789,0", "-1"])
def test_a_bad_mask_is_refused(text):
    with pytest.raises(CpuListError):
        CpuSet.parse_mask(text)


def test_the_empty_set_has_no_first_member():
    with pytest.raises(ValueError, match="empty"):
        _ = EMPTY.first
    assert CpuSet([9, 4]).first == 4


def test_a_set_cannot_be_changed():
    cpus = CpuSet([1])
    with pytest.raises(AttributeError):
        cpus._bits = 3
    assert pickle.loads(pickle.dumps(cpus)) == cpus
    assert hash(cpus) == hash(CpuSet.parse("1"))
    assert cpus != 2
    assert repr(cpus) == "CpuSet('1')"


@pytest.mark.parametrize("number", [-1, MAX_ID + 1])
def test_a_number_out_of_range_is_refused(number):
    with pytest.raises(CpuListError):
        CpuSet([number])
