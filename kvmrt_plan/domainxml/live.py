# SPDX-License-Identifier: Apache-2.0
"""The pins of a domain as sets, for comparison with the affinity that the kernel reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml.cputune import Cputune
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from lxml.etree import _Element


def read_pins(domain: _Element) -> dict[str, CpuSet]:
    """Each pin by its key (`vcpupin 0`, `emulatorpin`); lists that cannot be understood are left out.

    Never to be taken for the truth about a running guest: after a CPU went offline libvirt still
    shows the old pin while the thread floats (`/proc/TID/status` has the truth).
    """
    pins = {}
    for key, text in Cputune().read(domain).items():
        try:
            pins[key] = CpuSet.parse(text)
        except CpuListError:
            continue
    return pins
