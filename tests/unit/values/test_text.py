# SPDX-License-Identifier: Apache-2.0
"""Text from outside never reaches a terminal with characters that it acts on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.values.text import escape_text, has_control_characters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("Gerät 漢", "Gerät 漢"),
        ("vm\x1b[2J", "vm\\x1b[2J"),
        ("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
        ("a\u202eb", "a\\u202eb"),
        ("\u2028\x85\ud800", "\\u2028\\x85\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text, expected):
    assert escape_text(text) == expected


@given(st.text())
def test_escaped_text_holds_no_control_character_and_stays_as_it_is(text):
    escaped = escape_text(text)
    assert not has_control_characters(escaped)
    assert escape_text(escaped) == escaped
    assert has_control_characters(text) == (escaped != text)


def test_allowed_control_characters_do_not_count():
    assert not has_control_characters("a\nb", allowed="\n")
    assert has_control_characters("a\n\tb", allowed="\n")
