# SPDX-License-Identifier: Apache-2.0
"""On which CPUs the threads of a domain may run, by what its XML says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.values.cpuset import CpuListError, CpuSet, union

if TYPE_CHECKING:
    from lxml.etree import _Element


def allowed_cpus(root: _Element, online: CpuSet) -> CpuSet:
    """Union over all vCPUs and the emulator; a thread without a pin may use all online CPUs.

    The attribute `cpuset` of `<vcpu>` is the default of every thread that has no pin of its own
    (libvirt, formatdomain.html, "CPU Allocation").
    """
    vcpu = root.find("vcpu")
    default = _cpus(vcpu, online) if vcpu is not None else online
    pins = {pin.get("vcpu"): _cpus(pin, online) for pin in root.iterfind("cputune/vcpupin")}
    emulator = root.find("cputune/emulatorpin")
    found = [*pins.values(), default if emulator is None else _cpus(emulator, online)]
    if len(pins) < _vcpu_count(root):
        found.append(default)
    return union(found)


def _vcpu_count(root: _Element) -> int:
    text = (root.findtext("vcpu") or "1").strip()
    return int(text) if text.isascii() and text.isdigit() else 1


def _cpus(element: _Element, online: CpuSet) -> CpuSet:
    """Its cpuset; what cannot be read confines nothing."""
    text = element.get("cpuset")
    if not text:
        return online
    try:
        return _parse_cpuset(text)
    except CpuListError:
        return online


def _parse_cpuset(text: str) -> CpuSet:
    """Libvirt's notation: `1-4,^3` leaves out what follows a caret."""
    parts = [part.strip() for part in text.split(",")]
    named = union(CpuSet.parse(part) for part in parts if not part.startswith("^"))
    return named - union(CpuSet.parse(part[1:]) for part in parts if part.startswith("^"))
