# SPDX-License-Identifier: Apache-2.0
"""The kernel: how it was built, how it was booted, how it will be booted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.slices import CgroupMode
from kvmrt_plan.hostchecks.check import (
    Check,
    failed,
    parse_arguments,
    passed,
    skipped,
    warned,
)
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.hostchecks.check import HostView, Outcome

_WANTED_OPTIONS = ("CPUSETS", "NO_HZ_FULL", "RCU_NOCB_CPU", "HOTPLUG_CPU", "CPU_ISOLATION")
#: Arguments that matter to real-time VMs: a difference in them waits for a boot.
_COMPARED = (
    "isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity", "msi_affinity_mask", "workqueue.pri",
    "intel_iommu", "amd_iommu", "iommu", "hugepages", "hugepagesz", "default_hugepagesz", "nosmt",
    "mitigations", "tsc", "rcutree.kthread_prio", "kvm.kvmrt_gs_hc_host_enabled", "vfio_pci.ids",
    "vfio_pci.addr",
)  # fmt: skip


def realtime(view: HostView) -> Outcome:
    """PREEMPT_RT or RedHawk."""
    kernel = view.facts.kernel
    if kernel.is_redhawk:
        return passed(f"{kernel.release} (RedHawk)")
    if kernel.is_realtime:
        return passed(f"{kernel.release} (PREEMPT_RT)")
    return warned(kernel.release or "not known", "PREEMPT_RT or RedHawk")


def options(view: HostView) -> Outcome:
    """What the kernel was built with."""
    built = _options(view)
    if not built:
        return skipped(f"/boot/config-{view.facts.kernel.release} is not there")
    missing = [name for name in _WANTED_OPTIONS if built.get(name) != "y"]
    if missing:
        wanted = ", ".join(f"CONFIG_{name}=y" for name in missing)
        return warned(f"without {', '.join(missing)}", wanted)
    return passed(", ".join(_WANTED_OPTIONS))


def group_scheduling(view: HostView) -> Outcome:
    """CONFIG_RT_GROUP_SCHED gives new cgroups no real-time runtime at all."""
    has_file = view.snapshot.read("/sys/fs/cgroup/cpu/cpu.rt_runtime_us") is not None
    built = _options(view)
    if not built and not has_file:
        return skipped("the kernel's options are not known")
    if not has_file and built.get("RT_GROUP_SCHED") != "y":
        return passed("off")
    if view.arguments.get("rt_group_sched") == "0":
        return passed("switched off at boot (rt_group_sched=0)")
    if view.facts.slices.mode is CgroupMode.LEGACY:
        return failed("on, with cgroup v1", "off")
    return warned("on", "off")


def arguments_agree(view: HostView) -> Outcome:
    """Lists of CPUs on the command line against each other and against what the kernel made of them."""
    try:
        lists = {name: _cpus(view.arguments[name]) for name in _lists(view)}
    except CpuListError as error:
        return warned(f"a list of CPUs that cannot be read: {error}", "lists such as 2-7")
    if not lists:
        return passed("no CPUs are isolated at boot")
    problems = list(_disagreements(view, lists))
    if problems:
        return warned("; ".join(problems), "lists that agree")
    return passed(", ".join(f"{name}={cpus}" for name, cpus in lists.items()))


def _lists(view: HostView) -> Iterator[str]:
    for name in ("isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity"):
        if view.arguments.get(name):
            yield name


def _cpus(value: str) -> CpuSet:
    """The list behind flags such as `isolcpus=domain,managed_irq,4-7`."""
    parts = [part for part in value.split(",") if part and not part[0].isalpha()]
    return CpuSet.parse_kernel(",".join(parts))


def _disagreements(view: HostView, lists: dict[str, CpuSet]) -> Iterator[str]:
    kernel = view.facts.kernel
    # managed_irq alone does not take CPUs out of load balancing, so nothing shows in `isolated`.
    is_domain = "managed_irq" not in view.arguments.get("isolcpus", "")
    for name, made in (("isolcpus", kernel.isolated), ("nohz_full", kernel.nohz_full)):
        if name in lists and lists[name] != made and (name == "nohz_full" or is_domain):
            yield f"{name}={lists[name]}, but the kernel has {made or 'none'}"
    if (
        "nohz_full" in lists
        and "rcu_nocbs" in lists
        and not lists["nohz_full"] <= lists["rcu_nocbs"]
    ):
        yield f"nohz_full={lists['nohz_full']} is not within rcu_nocbs={lists['rcu_nocbs']}"
    hit = lists.get("irqaffinity", CpuSet()) & lists.get("isolcpus", CpuSet())
    if hit:
        yield f"irqaffinity sends interrupts to the isolated CPUs {hit}"


def mitigations(view: HostView) -> Outcome:
    """For the owner to know: each costs time at every VM entry."""
    folder = "/sys/devices/system/cpu/vulnerabilities"
    names = view.snapshot.entries(folder)
    if not names:
        return skipped("not captured")
    active = [
        name for name in names if (view.word(f"{folder}/{name}") or "").startswith("Mitigation")
    ]
    return passed(f"{len(active)} mitigations active: {', '.join(active) or 'none'}")


def next_boot(view: HostView) -> Outcome:
    """What the boot loader holds, against what is running."""
    known = view.facts.boot.configured
    configured = _configured(view) if known is None else parse_arguments(" ".join(known))
    if configured is None:
        return skipped("the boot loader's settings are not known")
    running = view.arguments
    differing = [
        f"{name} {_shown(running, name)} -> {_shown(configured, name)}"
        for name in _COMPARED
        if running.get(name) != configured.get(name)
    ]
    if differing:
        return warned(", ".join(differing), "booted as configured")
    return passed("booted as configured")


def _shown(arguments: dict[str, str], name: str) -> str:
    return arguments[name] or "set" if name in arguments else "absent"


def _configured(view: HostView) -> dict[str, str] | None:
    """The arguments of the next boot: of the boot loader's entries, then of GRUB's settings."""
    folder, release = "/boot/loader/entries", view.facts.kernel.release
    for name in view.snapshot.entries(folder):
        text = view.snapshot.read(f"{folder}/{name}") or ""
        pairs = (line.partition(" ") for line in text.splitlines())
        lines = {key: rest.strip() for key, _, rest in pairs}
        words = lines.get("options", "")
        if release and release in lines.get("linux", "") and "$" not in words:
            return parse_arguments(words)
    written = view.word("/etc/kernel/cmdline")
    if written is not None:
        return parse_arguments(written)
    return _grub(view)


def _grub(view: HostView) -> dict[str, str] | None:
    drop_ins = (
        f"/etc/default/grub.d/{name}" for name in view.snapshot.entries("/etc/default/grub.d")
    )
    texts = [view.snapshot.read(path) or "" for path in ("/etc/default/grub", *drop_ins)]
    values = [
        line.partition("=")[2].strip().strip("\"'") for text in texts for line in text.splitlines()
    ]
    return parse_arguments(" ".join(values)) if values else None


def lockdown(view: HostView) -> Outcome:
    """Secure Boot's lockdown hides debugfs and refuses unsigned modules."""
    text = view.word("/sys/kernel/security/lockdown")
    if text is None:
        return skipped("the kernel has none, or it may not be read")
    chosen = text.partition("[")[2].partition("]")[0] or text
    return passed(chosen)


def crash_kernel(view: HostView) -> Outcome:
    """A loaded crash kernel watches CPU hotplug."""
    loaded = view.word("/sys/kernel/kexec_crash_loaded")
    if loaded is None:
        return skipped("not captured")
    if loaded == "1":
        return passed("loaded; its service reloads it whenever a sibling goes offline")
    return passed("not loaded")


def _options(view: HostView) -> dict[str, str]:
    text = view.snapshot.read(f"/boot/config-{view.facts.kernel.release}") or ""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.removeprefix("CONFIG_"): value for name, _, value in pairs}


CHECKS = (
    Check(
        number=5, title="Real-time kernel", run=realtime,
        why="In other kernels a section that cannot be preempted delays a vCPU for milliseconds.",
        remedy="install linux-image-rt (Debian), kernel-rt (RHEL, SLE) or RedHawk, and boot it",
    ),
    Check(
        number=6, title="Options of the kernel", run=options,
        why="cpusets keep tasks off, NO_HZ_FULL and RCU_NOCB_CPU the tick and callbacks, HOTPLUG_CPU takes "
        "siblings offline, CPU_ISOLATION keeps the rest of the kernel away.",
        remedy="boot a kernel that is built with them",
    ),
    Check(
        number=7, title="RT_GROUP_SCHED", run=group_scheduling,
        why="A cgroup begins with no real-time runtime: giving a vCPU a FIFO priority fails with EPERM.",
        remedy="boot with rt_group_sched=0, or a kernel without CONFIG_RT_GROUP_SCHED",
    ),
    Check(
        number=12, title="CPU lists of the boot arguments", run=arguments_agree,
        why="The kernel drops a list that it cannot use without more than a line in its log.",
        remedy="make isolcpus, nohz_full and rcu_nocbs name the same CPUs and irqaffinity the others, then "
        "reboot",
    ),
    Check(
        number=40, title="Mitigations of processor flaws", run=mitigations,
        why="Each costs time at every entry into the guest; what that is worth is the owner's decision.",
        remedy="none is needed; mitigations=off on the command line trades safety for time",
    ),
    Check(
        number=43, title="Boot arguments, running and configured", run=next_boot,
        why="What is configured for the next boot is not in effect yet, and what is in effect may be gone "
        "then.",
        remedy="reboot, or correct the boot loader's settings",
    ),
    Check(
        number=44, title="Kernel lockdown", run=lockdown,
        why="It hides debugfs, where the fair server and interrupts can be looked at.",
        remedy="none is needed",
    ),
    Check(
        number=50, title="Crash kernel", run=crash_kernel,
        why="kdump's service reacts to every CPU that goes offline.",
        remedy="none is needed",
    ),
)  # fmt: skip
