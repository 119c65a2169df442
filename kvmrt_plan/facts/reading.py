# SPDX-License-Identifier: Apache-2.0
"""How a text of a snapshot becomes a value: numbers, words, cpulists and masks.

A text that is absent gives None; one that is not what the kernel prints there raises `FactError`
with its path. Lists are parsed once per distinct text: thousands of interrupts share a few masks.
"""

from __future__ import annotations

from kvmrt_plan.errors import FactError
from kvmrt_plan.values.cpuset import CpuSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmrt_plan.facts.texts import Texts

#: What surrounds a value in sysfs; some kernels ended `node/online` with a NUL byte.
_PADDING = "\0\n\t\r "
#: No number of these interfaces is longer; Python itself refuses to convert 4,300 digits.
_MAX_DIGITS = 20


def read_word(texts: Texts, path: str) -> str | None:
    """The text without its padding; None when absent."""
    text = texts.files.get(path)
    return None if text is None else text.strip(_PADDING)


def read_int(texts: Texts, path: str) -> int | None:
    """A decimal number, possibly negative; None when absent or empty.

    Raises:
        FactError: the text is no number.
    """
    word = read_word(texts, path)
    return None if not word else parse_int(word, path)


def parse_int(word: str, path: str) -> int:
    """The decimal number that a word of the text at `path` is.

    Raises:
        FactError: it is none.
    """
    digits = word.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return int(word)
    raise FactError(path, f"{word[:80]!r} is no number")


def read_cpulist(texts: Texts, path: str) -> CpuSet | None:
    """A cpulist; None when absent.

    Raises:
        FactError: the text is no cpulist.
    """
    text = texts.files.get(path)
    if text is None:
        return None
    try:
        return _parse_list(text)
    except ValueError as error:
        raise FactError(path, f"no list of CPUs or nodes: {error}") from error


def read_cpumask(texts: Texts, path: str) -> CpuSet | None:
    """A hexadecimal mask; None when absent.

    Raises:
        FactError: the text is no mask.
    """
    text = texts.files.get(path)
    if text is None:
        return None
    try:
        return _parse_mask(text)
    except ValueError as error:
        raise FactError(path, f"no CPU mask: {error}") from error


def read_either(texts: Texts, list_path: str, mask_path: str) -> CpuSet | None:
    """The set from the list file or, where the kernel is too old for it, from the mask file."""
    found = read_cpulist(texts, list_path)
    return read_cpumask(texts, mask_path) if found is None else found


# functools.lru_cache would do the same and takes 2 ms to load.
_LISTS: dict[str, CpuSet] = {}
_MASKS: dict[str, CpuSet] = {}
_MOST = 4096


def _parse_list(text: str) -> CpuSet:
    if text not in _LISTS:
        if len(_LISTS) >= _MOST:
            _LISTS.clear()
        _LISTS[text] = CpuSet.parse_kernel(text)
    return _LISTS[text]


def _parse_mask(text: str) -> CpuSet:
    if text not in _MASKS:
        if len(_MASKS) >= _MOST:
            _MASKS.clear()
        _MASKS[text] = CpuSet.parse_mask(text)
    return _MASKS[text]
