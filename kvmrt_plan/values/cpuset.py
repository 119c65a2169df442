# SPDX-License-Identifier: Apache-2.0
"""Sets of logical CPUs (or NUMA nodes), as the kernel writes them.

A `CpuSet` is immutable, hashable and ordered by CPU number; it is kept as one integer whose bit *n*
stands for CPU *n*, so that the set operations over thousands of interrupts stay cheap.

Texts: a *cpulist* (`0-3,8`) and a *cpumask* (`ff,00000000`), see the kernel's
Documentation/admin-guide/cputopology.rst and lib/bitmap-str.c.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: Highest id that a list may name. The largest NR_CPUS any architecture offers is 8192 (x86
#: MAXSMP, s390 and POWER less); eight times that leaves room and still refuses a typing error.
MAX_ID = 65535


class CpuListError(ValueError):
    """A text is no cpulist: `text` is the offending part, `problem` says why."""

    def __init__(self, text: str, problem: str) -> None:
        self.text = text
        self.problem = problem
        super().__init__(f"{text!r}: {problem}")


class CpuSet:
    """An immutable set of logical CPU numbers (also used for NUMA node numbers)."""

    __slots__ = ("_bits",)
    _bits: int

    def __init__(self, ids: Iterable[int] = ()) -> None:
        bits = 0
        for number in ids:
            if not 0 <= number <= MAX_ID:
                raise CpuListError(str(number), f"must lie within 0 and {MAX_ID}")
            bits |= 1 << number
        object.__setattr__(self, "_bits", bits)

    @classmethod
    def from_bits(cls, bits: int) -> CpuSet:
        """The set whose bit *n* says whether *n* is in it."""
        made = cls.__new__(cls)
        object.__setattr__(made, "_bits", bits)
        return made

    @classmethod
    def parse(cls, text: str) -> CpuSet:
        r"""A cpulist as people write it: `0,2,4-7`; blanks around commas are allowed; "" is empty.

        >>> str(CpuSet.parse("3, 0-1"))
        '0-1,3'

        Raises:
            CpuListError: an empty part (`1,,2`), an open or reversed range, a number too large.
        """
        if not text.strip():
            return EMPTY
        bits = 0
        for part in text.split(","):
            bits |= _range_bits(part.strip(), strides=False)
        return cls.from_bits(bits)

    @classmethod
    def parse_kernel(cls, text: str) -> CpuSet:
        r"""A cpulist as the kernel prints or takes it: trailing NUL or newline, `(null)`, strides.

        >>> str(CpuSet.parse_kernel("0-6:1/2\n"))
        '0,2,4,6'

        Raises:
            CpuListError: the text is no list.
        """
        stripped = text.strip("\0\n\t ")
        if stripped in ("", "(null)"):
            return EMPTY
        bits = 0
        for part in stripped.split(","):
            bits |= _range_bits(part.strip(), strides=True)
        return cls.from_bits(bits)

    @classmethod
    def parse_mask(cls, text: str) -> CpuSet:
        r"""A cpumask as the kernel prints it: hexadecimal groups of 32 bits, highest first.

        >>> str(CpuSet.parse_mask("1,00000003\n"))
        '0-1,32'

        Raises:
            CpuListError: the text is no mask.
        """
        stripped = text.strip("\0\n\t ")
        groups = stripped.split(",")
        if not all(_is_hexadecimal(group, 8) for group in groups):
            # s390 and POWER dumps of old kernels print one long group.
            if len(groups) == 1 and _is_hexadecimal(stripped, 16384):
                return cls.from_bits(int(stripped, 16))
            raise CpuListError(stripped[:80], "is no hexadecimal CPU mask")
        bits = 0
        for group in groups:
            bits = (bits << 32) | int(group, 16)
        return cls.from_bits(bits)

    def format_mask(self) -> str:
        """The set as the kernel takes a mask: `ff`, or groups of 32 bits (`1,00000003`)."""
        digits = f"{self._bits:x}"
        groups = []
        while len(digits) > 8:
            groups.append(digits[-8:])
            digits = digits[:-8]
        return ",".join([digits, *reversed(groups)])

    def __str__(self) -> str:
        return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in self.ranges())

    def ranges(self) -> Iterator[tuple[int, int]]:
        """The runs of neighbours, as pairs of first and last."""
        bits, base = self._bits, 0
        while bits:
            skip = (bits & -bits).bit_length() - 1
            bits >>= skip
            length = (~bits & (bits + 1)).bit_length() - 1
            yield base + skip, base + skip + length - 1
            bits >>= length
            base += skip + length

    def __repr__(self) -> str:
        return f"CpuSet({str(self)!r})"

    def __iter__(self) -> Iterator[int]:
        for low, high in self.ranges():
            yield from range(low, high + 1)

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number >= 0 and bool(self._bits >> number & 1)

    def __len__(self) -> int:
        return self._bits.bit_count()

    def __bool__(self) -> bool:
        return self._bits != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CpuSet) and self._bits == other._bits

    def __hash__(self) -> int:
        return hash((CpuSet, self._bits))

    def __or__(self, other: CpuSet) -> CpuSet:
        return CpuSet.from_bits(self._bits | other._bits)

    def __and__(self, other: CpuSet) -> CpuSet:
        return CpuSet.from_bits(self._bits & other._bits)

    def __sub__(self, other: CpuSet) -> CpuSet:
        return CpuSet.from_bits(self._bits & ~other._bits)

    def __le__(self, other: CpuSet) -> bool:
        return self._bits & ~other._bits == 0

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"CpuSet is immutable: {name}")

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return (CpuSet.from_bits, (self._bits,))

    @property
    def first(self) -> int:
        """The lowest number.

        Raises:
            ValueError: the set is empty.
        """
        if not self._bits:
            raise ValueError("an empty set has no first member")
        return (self._bits & -self._bits).bit_length() - 1

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In documents a set is its cpulist; pydantic is loaded by whoever calls this."""
        from pydantic_core import core_schema

        text = core_schema.chain_schema(
            [
                core_schema.str_schema(pattern=CPULIST_PATTERN),
                core_schema.no_info_plain_validator_function(cls.parse),
            ]
        )
        return core_schema.json_or_python_schema(
            json_schema=text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), text]),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )


#: A number up to MAX_ID, and what a cpulist looks like, for the JSON schemas. That a range does not run
#: backwards is beyond them.
ID_PATTERN = (
    "0{0,8}([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
_RANGE = rf"{ID_PATTERN}(-{ID_PATTERN})?"
CPULIST_PATTERN = rf"^\s*({_RANGE}(\s*,\s*{_RANGE})*)?\s*$"

EMPTY = CpuSet.from_bits(0)


def union(sets: Iterable[CpuSet]) -> CpuSet:
    """Everything that is in any of the sets."""
    bits = 0
    for one in sets:
        bits |= one._bits  # noqa: SLF001  the same module
    return CpuSet.from_bits(bits)


def _range_bits(part: str, *, strides: bool) -> int:
    if not part:
        raise CpuListError(part, "there is nothing between two commas")
    span, colon, stride = part.partition(":")
    first, dash, last = span.partition("-")
    used, _, group = stride.partition("/")
    numbers = [first, *([last] if dash else ()), *([used, group] if colon else ())]
    if not all(map(_is_decimal, numbers)) or (colon and not (dash and strides)):
        raise CpuListError(part, "is neither a number nor a range such as 4-7")
    if any(len(number) > 9 for number in numbers):
        raise CpuListError(part, f"is larger than {MAX_ID}")
    low = int(first)
    high = int(last) if dash else low
    if high < low:
        raise CpuListError(part, "the range runs backwards")
    if high > MAX_ID:
        raise CpuListError(part, f"is larger than {MAX_ID}")
    if not colon:
        return ((1 << (high - low + 1)) - 1) << low
    return _stride_bits(part, low, high, int(used), int(group))


def _is_decimal(text: str) -> bool:
    # Not by re, which takes 10 ms to load; isdigit alone also takes digits of other scripts.
    return text.isascii() and text.isdigit()


def _is_hexadecimal(text: str, most: int) -> bool:
    return 0 < len(text) <= most and not text.strip("0123456789abcdefABCDEF")


def _stride_bits(part: str, low: int, high: int, used: int, group: int) -> int:
    if not 0 < used <= group:
        raise CpuListError(part, "a stride is used/group with 0 < used <= group")
    return sum(1 << number for number in range(low, high + 1) if (number - low) % group < used)
