# SPDX-License-Identifier: Apache-2.0
"""CPU masks as the kernel prints them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet

_MASK = re.compile(r"^Cpus_allowed:\t(.*)$", re.MULTILINE)
_ALLOWED = re.compile(r"^Cpus_allowed_list:\t(.*)$", re.MULTILINE)


def with_affinity(status: str, cpus: CpuSet) -> str:
    """A thread's /proc/.../status with another affinity."""
    status = _ALLOWED.sub(f"Cpus_allowed_list:\t{cpus}", status)
    return _MASK.sub(lambda found: f"Cpus_allowed:\t{mask_like(found[1], cpus)}", status)


def mask_like(present: str, cpus: CpuSet) -> str:
    """The mask as the kernel prints it: as wide as it always is there (bitmap_string, lib/vsprintf.c)."""
    groups = present.strip().split(",")
    first, *rest = cpus.format_mask().split(",")
    missing = max(len(groups) - 1 - len(rest), 0)
    if missing:
        rest = [*["0" * 8] * (missing - 1), first.rjust(8, "0"), *rest]
        first = "0"
    return ",".join((first.rjust(len(groups[0]), "0"), *rest))
