# SPDX-License-Identifier: Apache-2.0
"""Whatever a host or a file says, the parsers answer with facts or with their own error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kvmrt_plan.errors import FactError, SnapshotError
from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.interrupt_counts import drop_counts
from kvmrt_plan.facts.interrupts import parse_interrupts
from kvmrt_plan.facts.recorded import RECORDED_PATH
from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt, Snapshot
from kvmrt_plan.views.topology import render_topology, topology_document

if TYPE_CHECKING:
    from kvmrt_plan.facts.host import HostFacts

CPU = "/sys/devices/system/cpu"
NODE = "/sys/devices/system/node"
#: One path of every kind that a parser reads.
PATHS = (
    f"{CPU}/online",
    f"{CPU}/present",
    f"{CPU}/isolated",
    f"{CPU}/nohz_full",
    f"{CPU}/cpu0/online",
    f"{CPU}/cpu1/topology/physical_package_id",
    f"{CPU}/cpu1/topology/core_id",
    f"{CPU}/cpu1/topology/die_id",
    f"{CPU}/cpu1/topology/thread_siblings_list",
    f"{CPU}/cpu2/topology/thread_siblings",
    f"{CPU}/cpu0/topology/core_cpus_list",
    f"{CPU}/cpu{10**30}/online",
    f"{NODE}/node0/cpulist",
    f"{NODE}/node1/cpumap",
    f"{NODE}/node0/meminfo",
    f"{NODE}/node0/distance",
    f"{NODE}/node0/hugepages/hugepages-2048kB/nr_hugepages",
    f"{NODE}/node0/hugepages/hugepages-x/nr_hugepages",
    "/sys/kernel/mm/hugepages/hugepages-0kB/nr_hugepages",
    RECORDED_PATH,
    "/proc/interrupts",
    "/proc/irq/default_smp_affinity",
    "/proc/irq/4/smp_affinity_list",
    "/proc/irq/5/smp_affinity",
    "/proc/irq/4/effective_affinity_list",
    "/sys/kernel/irq/4/actions",
    "/sys/kernel/irq/4/chip_name",
    "/sys/kernel/debug/irq/irqs/4",
    "/sys/bus/pci/devices/0000:00:01.0/msi_irqs/4",
    "/proc/cmdline",
    "/proc/version",
    "/proc/sys/kernel/osrelease",
    "/sys/kernel/realtime",
    "/sys/fs/cgroup/cgroup.controllers",
    "/sys/fs/cgroup/a.slice/cpuset.cpus",
    "/sys/fs/cgroup/a.slice/cpuset.cpus.partition",
    "/proc/shield/procs",
    "/proc/shield/irqs",
    "/sys/devices/virtual/workqueue/cpumask",
    "/sys/devices/virtual/workqueue/writeback/cpumask",
    "/etc/default/irqbalance",
    "/proc/7/comm",
    "/proc/7/limits",
    "/proc/8/cmdline",
    "/proc/8/task/8/stat",
    "/proc/8/task/8/status",
)
UUID = "fde74e84-0e1b-404e-90e7-72101e79c48a"

#: Near misses of what the kernel prints, and any bytes at all.
_TEXTS = st.one_of(
    st.binary(max_size=40).map(lambda content: content.decode("utf-8", "surrogateescape")),
    st.text(alphabet="0123456789abcdef,-:/x() \n\t\0", max_size=40),
    st.sampled_from(
        (
            "0-3\n",
            "ffffffff,00000000\n",
            "9" * 5000,
            "0-1:1/" + "1" * 5000,
            "٣\n",
            "libvirtd\n",
            "irqbalance\n",
            "Max locked memory much much bytes\n",
            "Cpus_allowed_list:\t3-1\n",
            f"qemu\0-uuid\0{UUID}\0",
            "qemu\0-uuid",
            "8 (a) S " + "1 " * 50,
            "8 (a) S " + "x " * 50,
            "  CPU0\n 3:  1  IO-APIC  3-edge  a, b\n",
            "Node 0 MemTotal: x kB\n",
            "IRQBALANCE_BANNED_CPUS=zz\n",
            '{"format": "kvmrt-topology", "siblings": {"-1": "0"}}',
        )
    ),
)
_LINKS = st.dictionaries(
    st.sampled_from(
        (f"{CPU}/cpu1/node0", f"{NODE}/node0/cpu1", "/proc/irq/4/x", "/sys/fs/cgroup/cpuset")
    ),
    _TEXTS,
)
_FILES = st.dictionaries(st.sampled_from(PATHS), _TEXTS, max_size=12)


def _snapshot(files: dict[str, str], links: dict[str, str], uuid: str = UUID) -> Snapshot:
    domain = RawDomain(
        uuid=uuid,
        name="rt1",
        state="running",
        persistent=True,
        autostart=False,
        xml="<domain/>",
        live_xml="<domain/>",
    )
    libvirt = RawLibvirt(uri="qemu:///system", domains=(domain,))
    return Snapshot(name="host", captured="now", files=files, links=links, libvirt=libvirt)


def _gather(snapshot: Snapshot) -> tuple[HostFacts | None, str]:
    """The facts, or the path at fault."""
    try:
        return gather_facts(snapshot), ""
    except FactError as error:
        return None, error.path


@given(files=_FILES, links=_LINKS, uuid=st.one_of(st.just(UUID), _TEXTS))
def test_any_host_gives_facts_or_a_fact_error(
    files: dict[str, str], links: dict[str, str], uuid: str
) -> None:
    facts, refused = _gather(_snapshot(files, links, uuid))
    if facts is None:
        # The text at fault is named; of a huge page size, the folder that has it in its name.
        assert any(path.startswith(refused) for path in (*files, "libvirt"))
        return
    assert facts.cpus.online <= facts.cpus.present
    assert json.loads(json.dumps(topology_document(facts.cpus)))["format_version"] == "1.1"
    assert render_topology(facts.cpus).count("    CPU ") == len(facts.cpus.present)


@pytest.mark.parametrize("path", PATHS)
@given(text=_TEXTS)
def test_any_text_at_one_path_gives_facts_or_a_fact_error(path: str, text: str) -> None:
    _, refused = _gather(_snapshot({path: text}, {}))
    assert path.startswith(refused)


@given(files=_FILES, links=_LINKS)
def test_snapshot_file_is_lossless(files: dict[str, str], links: dict[str, str]) -> None:
    snapshot = _snapshot(files, links)
    text = dump_snapshot(snapshot)
    assert load_snapshot(text.encode("ascii"), file="x") == snapshot
    assert dump_snapshot(load_snapshot(text, file="x")) == text


@given(
    value=st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    ("files", "links", "unreadable", "libvirt", "name", "captured", "domains")
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
)
def test_any_json_gives_a_snapshot_or_a_snapshot_error(value: object) -> None:
    head = {"format": "kvmrt-snapshot", "format_version": "1.0"}
    text = json.dumps(head | value if isinstance(value, dict) else value)
    try:
        snapshot = load_snapshot(text, file="x")
    except SnapshotError:
        return
    assert load_snapshot(dump_snapshot(snapshot), file="x") == snapshot


@given(content=st.binary(max_size=60))
def test_no_bytes_at_random_are_a_snapshot(content: bytes) -> None:
    with pytest.raises(SnapshotError):
        load_snapshot(content, file="x")


@given(text=_TEXTS)
@example("CPU0 CPU1\n 1: 5 6  chip  1-edge  a\n\n x\n: :\n")
def test_counts_say_nothing_about_the_rows(text: str) -> None:
    assert parse_interrupts(drop_counts(text)) == parse_interrupts(text)
