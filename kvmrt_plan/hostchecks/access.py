# SPDX-License-Identifier: Apache-2.0
"""Whether KVM and libvirt are there and may do what real time asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.processes import LIBVIRT_DAEMONS, processes_named
from kvmrt_plan.hostchecks.check import NO_RT, Check, failed, passed, skipped, warned

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome

#: Bits of include/uapi/linux/capability.h.
_NEEDED = {14: "CAP_IPC_LOCK", 21: "CAP_SYS_ADMIN", 23: "CAP_SYS_NICE", 24: "CAP_SYS_RESOURCE"}
_SYS_RESOURCE = 24


def rights(view: HostView) -> Outcome:
    """Effective capabilities of this process."""
    if not view.is_live:
        return skipped("asked of the machine itself only")
    mask = _capabilities(view, "/proc/self/status")
    if mask is None:
        return skipped("the capabilities of this process are not known")
    missing = [name for bit, name in _NEEDED.items() if not mask >> bit & 1]
    if missing:
        return failed(f"without {', '.join(missing)}", f"with {', '.join(_NEEDED.values())}")
    return passed("all that are needed")


def kvm(view: HostView) -> Outcome:
    """The device, and the module of the processor's vendor."""
    loaded = [name for name in view.snapshot.entries("/sys/module") if name.startswith("kvm_")]
    if not view.snapshot.entries("/sys/class/misc") and not view.snapshot.entries("/sys/module"):
        return skipped("not captured")
    if not view.has("/sys/class/misc/kvm"):
        return failed("no /dev/kvm", "/dev/kvm, with kvm_intel or kvm_amd loaded")
    if "hypervisor" in view.flags:
        return warned(
            f"/dev/kvm ({', '.join(loaded) or 'built in'}), itself in a virtual machine",
            "bare metal",
            "run it on bare metal",
        )
    return passed(f"/dev/kvm ({', '.join(loaded) or 'built in'})")


def libvirt(view: HostView) -> Outcome:
    """Whether it answered."""
    raw = view.snapshot.libvirt
    if raw is None:
        return skipped("libvirt was not asked")
    if raw.problem:
        return failed(raw.problem, f"an answer at {raw.uri}")
    version = f"{raw.version // 1_000_000}.{raw.version // 1000 % 1000}.{raw.version % 1000}"
    return passed(f"libvirt {version} at {raw.uri}, {len(raw.domains)} domains")


def locking(view: HostView) -> Outcome:
    """QEMU inherits libvirt's limit; with CAP_SYS_RESOURCE libvirt raises it."""
    limit = view.facts.libvirt_memlock
    for folder in processes_named(view.snapshot, *LIBVIRT_DAEMONS):
        mask = _capabilities(view, f"{folder}/status")
        if mask is not None and mask >> _SYS_RESOURCE & 1:
            return passed("libvirt's daemon may raise the limit (CAP_SYS_RESOURCE)")
        if mask is not None and (limit is None or limit.kib is not None):
            present = "not known" if limit is None else f"{limit.kib} KiB"
            return failed(f"limit {present}, without CAP_SYS_RESOURCE", "CAP_SYS_RESOURCE")
    if limit is not None and limit.kib is None:
        return passed("unlimited")
    return skipped("libvirt's daemon does not run, or may not be looked at")


def boot_service(view: HostView) -> Outcome:
    """Whether someone starts the autostart RT VMs after their policies."""
    if view.configuration is None:
        return NO_RT
    started = [vm.name for vm in view.configuration.vms if vm.rt and vm.autostart]
    if not started:
        return skipped("no real-time VM starts by itself")
    units = (
        f"/etc/systemd/system/{target}" for target in view.snapshot.entries("/etc/systemd/system")
    )
    if any(view.has(f"{folder}/kvmrt.service") for folder in units):
        return passed("kvmrt.service is enabled")
    return warned(f"nothing boots {', '.join(started)}", "kvmrt.service enabled")


def _capabilities(view: HostView, path: str) -> int | None:
    text = view.snapshot.read(path) or ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            try:
                return int(value, 16)
            except ValueError:
                return None
    return None


CHECKS = (
    Check(
        number=1, title="Rights of whoever runs kvmrt", run=rights,
        why="Policies and priorities are the kernel's, and only root may change them.",
        remedy="run as root, outside of a container",
    ),
    Check(
        number=2, title="KVM", run=kvm,
        why="Without hardware virtualisation a guest is emulated, a hundred times slower and not in real "
        "time; below another hypervisor CPUs are taken away without a word.",
        remedy="switch VT-x or SVM on in the firmware, then `modprobe kvm_intel` or `modprobe kvm_amd`",
    ),
    Check(
        number=3, title="libvirt answers", run=libvirt,
        why="VMs are libvirt's; kvmrt defines, starts and reads them through it.",
        remedy="systemctl start libvirtd.socket (or virtqemud.socket)",
    ),
    Check(
        number=4, title="libvirt may lock guests' memory", run=locking,
        why="A guest with locked memory does not start when QEMU may not lock as much as it has.",
        remedy="run libvirt's daemon as root and not in a container, or set LimitMEMLOCK=infinity in its "
        "unit (`systemctl edit libvirtd`)",
    ),
    Check(
        number=42, title="Real-time VMs are booted by kvmrt", run=boot_service,
        why="libvirt's own autostart starts a VM before its CPUs are free of other work.",
        remedy="kvmrt install-service",
    ),
)  # fmt: skip
