# SPDX-License-Identifier: Apache-2.0
"""All other facts from their texts, and the facts of a host that has almost none."""

from __future__ import annotations

from uuid import UUID

import pytest

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.containers import Containers
from kvmrt_plan.facts.cpu import CpuTopology
from kvmrt_plan.facts.domain import Domain, Thread
from kvmrt_plan.facts.domains import parse_domains
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.host import HostFacts
from kvmrt_plan.facts.hugepages import HugepagePool, parse_hugepages
from kvmrt_plan.facts.irqbalance import Irqbalance
from kvmrt_plan.facts.kernel import Kernel, parse_kernel
from kvmrt_plan.facts.processes import MemlockLimit, parse_libvirt_memlock
from kvmrt_plan.facts.services import Services, parse_services
from kvmrt_plan.facts.slices import CgroupMode, Shield, Slice, Slices, parse_slices
from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt, Snapshot
from kvmrt_plan.facts.workqueue import Workqueue, parse_workqueue
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

ID = UUID("fde74e84-0e1b-404e-90e7-72101e79c48a")
LIMITS = "Limit                     Soft Limit           Hard Limit           Units     \n"


def _snapshot(
    files: dict[str, str] | None = None,
    links: dict[str, str] | None = None,
    libvirt: RawLibvirt | None = None,
) -> Snapshot:
    return Snapshot(
        name="host", captured="now", files=files or {}, links=links or {}, libvirt=libvirt
    )


def _domain(uuid: str = str(ID), name: str = "rt1", live_xml: str = "<domain/>") -> RawDomain:
    return RawDomain(
        uuid=uuid,
        name=name,
        state="running" if live_xml else "shut off",
        persistent=True,
        autostart=False,
        xml="<domain/>",
        live_xml=live_xml,
    )


def test_host_that_shows_nothing_is_complete() -> None:
    assert gather_facts(_snapshot()) == HostFacts(
        name="host",
        captured="now",
        kernel=Kernel(
            release="",
            version="",
            is_realtime=False,
            is_redhawk=False,
            command_line="",
            isolated=EMPTY,
            nohz_full=EMPTY,
            boot_id="",
        ),
        cpus=CpuTopology(cpus={}, nodes={}, present=EMPTY, online=EMPTY, recorded_siblings={}),
        irqs={},
        default_irq_affinity=None,
        slices=Slices(mode=CgroupMode.NONE, has_systemd=False, slices=(), shield=None),
        workqueue=Workqueue(masks=()),
        hugepages=(),
        services=Services(irqbalance=Irqbalance(is_running=False, banned=None), tuned_profile=None),
        domains={},
        libvirt_problem="libvirt was not asked",
        libvirt_uri="",
        unreadable={},
    )


def test_realtime_kernel_with_isolated_cpus() -> None:
    kernel = parse_kernel(
        _snapshot(
            {
                "/proc/sys/kernel/osrelease": "6.1.0-18-rt-amd64\n",
                "/proc/sys/kernel/version": "#1 SMP PREEMPT_RT Debian 6.1.76-1\n",
                "/proc/cmdline": "isolcpus=2-3 quiet\n",
                "/sys/devices/system/cpu/isolated": "2-3\n",
                "/sys/devices/system/cpu/nohz_full": "(null)\n",
                "/proc/sys/kernel/random/boot_id": "5eb075d3\n",
            }
        )
    )
    assert kernel == Kernel(
        release="6.1.0-18-rt-amd64",
        version="#1 SMP PREEMPT_RT Debian 6.1.76-1",
        is_realtime=True,
        is_redhawk=False,
        command_line="isolcpus=2-3 quiet",
        isolated=CpuSet((2, 3)),
        nohz_full=EMPTY,
        boot_id="5eb075d3",
    )


def test_release_is_taken_from_the_banner_of_an_old_dump() -> None:
    kernel = parse_kernel(_snapshot({"/proc/version": "Linux version 4.19.1 (gcc) #1 SMP\n"}))
    assert (kernel.release, kernel.version) == ("4.19.1", "Linux version 4.19.1 (gcc) #1 SMP")


@pytest.mark.parametrize(
    "files", [{"/proc/shield/procs": "0\n"}, {"/proc/sys/kernel/osrelease": "5.4-RedHawk-8.4\n"}]
)
def test_redhawk_is_known_by_its_shield_or_its_release(files: dict[str, str]) -> None:
    assert parse_kernel(_snapshot(files)).is_redhawk


def test_slices_of_the_unified_hierarchy() -> None:
    folder = "/sys/fs/cgroup"
    slices = parse_slices(
        _snapshot(
            {
                f"{folder}/cgroup.controllers": "cpuset cpu\n",
                f"{folder}/system.slice/cpuset.cpus": "0-3\n",
                f"{folder}/system.slice/cpuset.cpus.effective": "0-3\n",
                f"{folder}/system.slice/cpuset.cpus.partition": "member\n",
                f"{folder}/lxc/cpuset.cpus": "\n",
            },
            {f"{folder}/init.scope": "", f"{folder}/mount": "", "/run/systemd/system": ""},
        )
    )
    assert slices == Slices(
        mode=CgroupMode.UNIFIED,
        has_systemd=True,
        slices=(
            Slice(name="init.scope", allowed=None, effective=None),
            Slice(name="lxc", allowed=None, effective=None),
            Slice(
                name="system.slice",
                allowed=CpuSet(range(4)),
                effective=CpuSet(range(4)),
                partition="member",
            ),
        ),
        shield=None,
    )


def test_hybrid_hierarchy_counts_as_v1() -> None:
    folders = {"/sys/fs/cgroup/cpuset": "", "/sys/fs/cgroup/cpuset/machine": ""}
    assert parse_slices(_snapshot(links=folders)).mode is CgroupMode.LEGACY


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0\n", EMPTY),
        ("3\n", CpuSet((0, 1))),
        ("0x30\n", CpuSet((4, 5))),
        ("00000001,00000002\n", CpuSet((1, 32))),
        ("4-5\n", CpuSet((4, 5))),
        ("0,2\n", CpuSet((0, 2))),
        ("\n", EMPTY),
    ],
)
def test_shield_is_a_mask_or_a_list(text: str, cpus: CpuSet) -> None:
    files = {"/proc/shield/procs": text, "/proc/shield/irqs": text, "/proc/shield/ltmrs": text}
    expected = Shield(processes=cpus, irqs=cpus, local_timers=cpus)
    assert parse_slices(_snapshot(files)).shield == expected


def test_workqueues_list_the_global_mask_first() -> None:
    folder = "/sys/devices/virtual/workqueue"
    files = {f"{folder}/writeback/cpumask": "3\n", f"{folder}/cpumask": "ff\n"}
    assert parse_workqueue(_snapshot(files)).masks == (
        (f"{folder}/cpumask", CpuSet(range(8))),
        (f"{folder}/writeback/cpumask", CpuSet((0, 1))),
    )


def test_hugepages_of_the_nodes_replace_the_global_ones() -> None:
    whole, node = "/sys/kernel/mm/hugepages", "/sys/devices/system/node/node1/hugepages"
    files = {
        f"{whole}/hugepages-2048kB/nr_hugepages": "8\n",
        f"{whole}/hugepages-2048kB/free_hugepages": "5\n",
    }
    alone = (HugepagePool(node=None, size_kib=2048, total=8, free=5),)
    assert parse_hugepages(_snapshot(files)) == alone
    files |= {f"{node}/hugepages-1048576kB/nr_hugepages": "2\n"}
    assert parse_hugepages(_snapshot(files)) == (
        HugepagePool(node=1, size_kib=1048576, total=2, free=0),
    )


@pytest.mark.parametrize(
    ("text", "banned"),
    [
        ("", None),
        ("#IRQBALANCE_BANNED_CPULIST=1\n", None),
        ('IRQBALANCE_BANNED_CPULIST="2,4-5"\n', CpuSet((2, 4, 5))),
        ("IRQBALANCE_BANNED_CPUS=f8\nIRQBALANCE_BANNED_CPULIST=0\n", CpuSet(range(3, 8))),
        ("IRQBALANCE_BANNED_CPULIST=\n", None),
        ("IRQBALANCE_BANNED_CPULIST=all\n", None),
    ],
)
def test_irqbalance_is_told_apart_by_its_settings(text: str, banned: CpuSet | None) -> None:
    files = {
        "/etc/sysconfig/irqbalance": text,
        "/proc/812/comm": "irqbalance\n",
        "/proc/900/comm": "tuned\n",
        "/etc/tuned/active_profile": "realtime-virtual-host\n",
    }
    assert parse_services(_snapshot(files)) == Services(
        irqbalance=Irqbalance(
            is_running=True, banned=banned, base=banned, file="/etc/sysconfig/irqbalance"
        ),
        tuned_profile="realtime-virtual-host",
    )


@pytest.mark.parametrize(
    ("cores", "isolated"),
    [
        ("isolated_cores=2-5,^4\n", CpuSet((2, 3, 5))),
        ('# a comment\nisolated_cores = "1"\nisolated_cores=7\n', CpuSet((7,))),
        ("isolated_cores=${f:calc_isolated_cores:1}\n", None),
        ("isolated_cores=\n", None),
        ("", None),
    ],
)
def test_tuned_tells_which_cpus_it_isolates(cores: str, isolated: CpuSet | None) -> None:
    files = {
        "/proc/900/comm": "tuned\n",
        "/etc/tuned/active_profile": "realtime\n",
        "/etc/tuned/realtime-variables.conf": cores,
        "/etc/tuned/realtime/tuned.conf": "[scheduler]\nps_blacklist=.*qemu.*;.*pmd.*\n",
    }
    services = parse_services(_snapshot(files))
    assert (services.tuned_isolated, services.is_tuned_sparing_qemu) == (isolated, True)


def test_other_writers_are_known_by_their_processes_and_lists() -> None:
    files = {
        "/proc/8/comm": "numad\n",
        "/proc/9/comm": "power-profiles-\n",
        "/sys/fs/cgroup/system.slice/docker-1f.scope/cpuset.cpus": "2-3\n",
        "/sys/fs/cgroup/system.slice/docker-2f.scope/cpuset.cpus": "\n",
        "/sys/fs/cgroup/docker/3f/cpuset.cpus": "5\n",
        "/sys/fs/cgroup/machine.slice/libpod-4f.scope/cpuset.cpus": "6\n",
        "/sys/fs/cgroup/kubepods.slice/cpuset.cpus": "0-7\n",
    }
    services = parse_services(_snapshot(files, links={"/run/tlp": ""}))
    assert (services.running, services.containers) == (
        {"numad", "power-profiles-daemon", "tlp"},
        (
            Containers(engine="docker", count=2, cpus=CpuSet((2, 3, 5))),
            Containers(engine="podman", count=1, cpus=CpuSet((6,))),
        ),
    )


def test_profile_of_a_tuned_that_does_not_run_counts_for_nothing() -> None:
    services = parse_services(_snapshot({"/etc/tuned/active_profile": "balanced\n"}))
    assert services.tuned_profile is None


@pytest.mark.parametrize(
    ("soft", "limit"), [("8388608", MemlockLimit(kib=8192)), ("unlimited", MemlockLimit(kib=None))]
)
def test_locked_memory_of_libvirts_daemon(soft: str, limit: MemlockLimit) -> None:
    line = f"Max locked memory         {soft:<20} unlimited            bytes     \n"
    files = {"/proc/7/comm": "virtqemud\n", "/proc/7/limits": LIMITS + line}
    assert parse_libvirt_memlock(_snapshot(files)) == limit


def test_domains_come_by_name_with_the_threads_of_those_that_run() -> None:
    other = UUID(int=7)
    stat = "812 (CPU 0/KVM (x)) S " + " ".join(str(field) for field in range(4, 53))
    files = {
        "/proc/812/cmdline": f"qemu-system-x86_64\0-uuid\0{str(ID).upper()}\0-S\0",
        "/proc/812/limits": LIMITS + "Max locked memory  1024  1024  bytes\n",
        "/proc/812/task/812/stat": stat,
        "/proc/812/task/812/status": "Name:\tqemu\nCpus_allowed_list:\t4-5\n",
        "/proc/812/task/813/stat": stat,
    }
    raw = RawLibvirt(uri="qemu:///system", domains=(_domain(), _domain(str(other), "b", "")))
    domains = parse_domains(_snapshot(files, libvirt=raw))
    assert list(domains.values()) == [
        Domain(
            uuid=other,
            name="b",
            state="shut off",
            is_persistent=True,
            has_autostart=False,
            xml="<domain/>",
            live_xml="",
        ),
        Domain(
            uuid=ID,
            name="rt1",
            state="running",
            is_persistent=True,
            has_autostart=False,
            xml="<domain/>",
            live_xml="<domain/>",
            threads=(
                Thread(
                    tid=812,
                    name="CPU 0/KVM (x)",
                    affinity=CpuSet((4, 5)),
                    policy="SCHED_41",
                    priority=40,
                    last_cpu=39,
                ),
            ),
            memlock=MemlockLimit(kib=1),
        ),
    ]


@pytest.mark.parametrize(
    "domains", [(_domain("not-a-uuid"),), (_domain(), _domain(name="rt2"))], ids=["odd", "twice"]
)
def test_domains_that_cannot_be_told_apart_are_refused(domains: tuple[RawDomain, ...]) -> None:
    with pytest.raises(FactError, match="libvirt"):
        parse_domains(_snapshot(libvirt=RawLibvirt(uri="test:///default", domains=domains)))


def test_libvirt_that_does_not_answer_is_told() -> None:
    raw = RawLibvirt(uri="qemu:///system", problem="connection refused")
    facts = gather_facts(_snapshot(libvirt=raw))
    found = (facts.libvirt_uri, facts.libvirt_problem, facts.domains)
    assert found == ("qemu:///system", "connection refused", {})
