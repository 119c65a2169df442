# SPDX-License-Identifier: Apache-2.0
"""Which interrupts an assignment means, from text."""

from __future__ import annotations

from kvmrt_plan.desired.attribute import BadValue, integer_parser

#: The kernel's interrupt numbers are C ints.
MAX_IRQ = 2**31 - 1


def parse_irq(text: str) -> int | str:
    """An interrupt's number, or the name of an interface or driver."""
    if text.isascii() and text.isdigit():
        return integer_parser(0, MAX_IRQ)(text)
    if not text or text != text.strip() or "/" in text or len(text) > 255 or "\n" in text:
        raise BadValue(
            "an interrupt's number, an interface or a driver is expected",
            "write a number or a name from /proc/interrupts, such as 55 or enp4s0f0",
        )
    return text
