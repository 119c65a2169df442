# SPDX-License-Identifier: Apache-2.0
"""The attributes of an allowance: texts to values."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired.attribute import BadValue, parse_title

if TYPE_CHECKING:
    from collections.abc import Callable

CODE_PATTERN = r"^KR[0-9]{3}$"
DATE_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
#: At least one character that is no blank.
REASON_PATTERN = r"^[^\n]*\S[^\n]*$"

_CODE = re.compile(CODE_PATTERN[:-1] + r"\Z")
_DATE = re.compile(DATE_PATTERN[:-1] + r"\Z")


def parse_code(text: str) -> str:
    """The code of a finding."""
    if not _CODE.match(text):
        raise BadValue("the code of a finding is expected", "write it like KR104")
    return text


def parse_reason(text: str) -> str:
    """One line that says why."""
    if not text.strip() or "\n" in text:
        raise BadValue("one line that says why is expected", "write the reason")
    return text


def parse_until(text: str) -> date:
    """A day, in UTC."""
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:  # the 30th of February
            pass
    raise BadValue("a day is expected", "write it like 2027-06-30")


ALLOW_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "code": parse_code,
    "reason": parse_reason,
    "until": parse_until,
    "vm": parse_title,
}
