# SPDX-License-Identifier: Apache-2.0
"""What each CPU does for whom, CPU by CPU: the placement turned around."""

from __future__ import annotations

from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kvmrt_plan.placement.model import Placement, VmPlacement
    from kvmrt_plan.values.cpuset import CpuSet


class Share(Record):
    """What a CPU does for one VM that owns it."""

    vm: str
    is_emulator: bool
    vcpus: tuple[int, ...]
    #: A sibling of an RT VM's CPU, which is taken offline.
    is_offlined: bool


class CpuUse(Record):
    """What a CPU does."""

    is_housekeeping: bool
    shares: tuple[Share, ...]

    @property
    def text(self) -> str:
        """`rt1: emulator, vCPU 0`; names as they are, for the view to escape."""
        owned = "; ".join(f"{share.vm}: {_role(share)}" for share in self.shares)
        return owned or ("housekeeping" if self.is_housekeeping else "")


def cpu_uses(placement: Placement, present: CpuSet) -> dict[int, CpuUse]:
    """The use of every CPU that is present, by ascending number."""
    return {
        cpu: CpuUse(
            is_housekeeping=cpu in placement.housekeeping,
            shares=tuple(_share(one, cpu) for one in placement.vms if cpu in one.owned),
        )
        for cpu in present
    }


def share_document(share: Share) -> dict[str, Any]:
    """The share in the documents of `kvmrt show` and `kvmrt topology`."""
    return {
        "vm": share.vm,
        "emulator": share.is_emulator,
        "vcpus": list(share.vcpus),
        "offlined": share.is_offlined,
    }


def _share(one: VmPlacement, cpu: int) -> Share:
    return Share(
        vm=one.vm.name,
        is_emulator=cpu in one.emulator,
        vcpus=tuple(index for index, cpus in enumerate(one.vcpus) if cpu in cpus),
        is_offlined=cpu in one.offlined,
    )


def _role(share: Share) -> str:
    roles = ["emulator"] if share.is_emulator else []
    roles += [f"vCPU {index}" for index in share.vcpus]
    roles += ["sibling, taken offline"] if share.is_offlined else []
    return ", ".join(roles) or "owned"
