# SPDX-License-Identifier: Apache-2.0
"""What kvmrt expects of a host, one function per behaviour: run on the simulated host by every test run,
and on a real kernel in the lab. Where they disagree, the simulated host is wrong.

Each behaviour gets a `Probe` and leaves the host as it was.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.cpu import parse_cpus
from kvmrt_plan.facts.irq import parse_irqs
from kvmrt_plan.facts.knobs import HOST_KNOBS, THROTTLING
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kvmrt_plan.ports import Host

CPUS = "/sys/devices/system/cpu"
WORKQUEUES = "/sys/devices/virtual/workqueue/cpumask"
DEFAULT_AFFINITY = "/proc/irq/default_smp_affinity"
CGROUPS = "/sys/fs/cgroup"
UNIT = "system.slice"
#: Pages of 2 MiB of the second node.
POOL = "/sys/devices/system/node/node1/hugepages/hugepages-2048kB"
#: Before and since Linux 6.12.
IMMOVABLE = {"EIO", "EPERM"}

#: By name: what `behaviour` has collected.
BEHAVIOURS: dict[str, Callable[[Probe], None]] = {}


def behaviour(function: Callable[[Probe], None]) -> Callable[[Probe], None]:
    """Make the function part of the contract."""
    BEHAVIOURS[function.__name__] = function
    return function


@dataclass(frozen=True, slots=True)
class Probe:
    """A host, and what it has to try the contract on."""

    host: Host
    #: A CPU that can go offline, and the sibling that stays.
    cpu: int
    sibling: int
    online: CpuSet
    possible: CpuSet
    #: Numbers of interrupts.
    movable: int
    managed: tuple[int, ...]
    fixed: tuple[int, ...]
    #: Makes the movable interrupt fire: the kernel moves one no sooner than that.
    fire: Callable[[], None]

    def read(self, path: str) -> str | None:
        """The text without its newline."""
        text = self.host.read(path)
        return None if text is None else text.rstrip("\n")

    def cpus(self, path: str) -> CpuSet:
        """The list of CPUs in a file."""
        return CpuSet.parse_kernel(self.host.read(path) or "")

    def refusal(self, path: str, text: str) -> str:
        """The name of the errno that a write is refused with."""
        before = self.host.read(path)
        with pytest.raises(WriteRefusedError) as caught:
            self.host.write(path, text)
        assert self.host.read(path) == before
        return caught.value.errno_name

    def affinity(self, number: int) -> str:
        """Where an interrupt's affinity is written."""
        return f"/proc/irq/{number}/smp_affinity_list"

    def online_file(self, cpu: int) -> str:
        """Where a CPU goes offline."""
        return f"{CPUS}/cpu{cpu}/online"

    @property
    def beyond(self) -> int:
        """A CPU that the kernel has no room for."""
        return max(self.possible) + 1


def make_probe(host: Host, *, fire: Callable[[], None] = lambda: None) -> Probe:
    """What the host's own facts offer for trying the contract."""
    snapshot = host.capture()
    cpus, irqs = parse_cpus(snapshot), parse_irqs(snapshot)
    cpu = max(one for one in cpus.online if len(cpus.siblings_of(one)) > 1)
    in_use = {number: one for number, one in irqs.items() if one.actions and one.affinity}
    return Probe(
        host=host,
        cpu=cpu,
        sibling=next(one for one in cpus.siblings_of(cpu) if one != cpu),
        online=cpus.online,
        possible=CpuSet.parse_kernel(host.read(f"{CPUS}/possible") or ""),
        # The admin queue of an NVMe disk: in use, quiet, and not managed.
        movable=next(number for number, one in in_use.items() if "nvme0q0" in one.actions),
        managed=tuple(number for number, one in in_use.items() if one.is_managed),
        fixed=tuple(number for number, one in irqs.items() if not one.is_movable),
        fire=fire,
    )


@contextmanager
def offline(probe: Probe) -> Iterator[None]:
    """The probe's CPU is offline in the body."""
    probe.host.write(probe.online_file(probe.cpu), "0")
    try:
        yield
    finally:
        probe.host.write(probe.online_file(probe.cpu), "1")


@contextmanager
def restored(probe: Probe, path: str) -> Iterator[str]:
    """The file's text, which is back after the body."""
    before = probe.read(path)
    assert before is not None, path
    try:
        yield before
    finally:
        probe.host.write(path, before)


def effective_of(probe: Probe) -> str:
    """Where the movable interrupt goes."""
    return f"/proc/irq/{probe.movable}/effective_affinity_list"


@behaviour
def a_managed_interrupt_refuses_even_its_own_affinity(probe: Probe) -> None:
    assert probe.managed
    answers = {probe.refusal(one, probe.read(one) or "")
               for one in map(probe.affinity, probe.managed)}  # fmt: skip
    assert len(answers) == 1
    assert answers <= IMMOVABLE


@behaviour
def the_timer_and_the_cascade_refuse_too(probe: Probe) -> None:
    assert probe.fixed == (0, 2)
    for path in map(probe.affinity, probe.fixed):
        assert probe.refusal(path, str(probe.online)) in IMMOVABLE


@behaviour
def an_affinity_reads_back_as_written(probe: Probe) -> None:
    path = probe.affinity(probe.movable)
    with restored(probe, path):
        for cpus in (CpuSet((1,)), probe.online, probe.online - CpuSet((0,))):
            probe.host.write(path, str(cpus))
            assert probe.read(path) == str(cpus)


@behaviour
def an_affinity_has_a_mask_that_says_the_same(probe: Probe) -> None:
    mask = f"/proc/irq/{probe.movable}/smp_affinity"
    if probe.read(mask) is None:
        return
    with restored(probe, probe.affinity(probe.movable)):
        probe.host.write(probe.affinity(probe.movable), "1")
        assert CpuSet.parse_mask(probe.read(mask) or "") == CpuSet((1,))


@behaviour
def an_interrupt_moves_when_it_fires(probe: Probe) -> None:
    path, effective = probe.affinity(probe.movable), effective_of(probe)
    before = probe.cpus(effective)
    target = CpuSet((1,)) if before != CpuSet((1,)) else CpuSet((2,))
    with restored(probe, path):
        probe.host.write(path, str(target))
        assert probe.cpus(effective) in (before, target)
        probe.fire()
        assert probe.cpus(effective) == target


@behaviour
def an_affinity_without_an_online_cpu_is_invalid(probe: Probe) -> None:
    with offline(probe):
        for path in (probe.affinity(probe.movable), DEFAULT_AFFINITY):
            gone = CpuSet((probe.cpu,))
            text = gone.format_mask() if path == DEFAULT_AFFINITY else str(gone)
            assert probe.refusal(path, text) == "EINVAL"


@behaviour
def an_affinity_with_one_online_cpu_is_taken_as_it_is(probe: Probe) -> None:
    path = probe.affinity(probe.movable)
    both = CpuSet((probe.cpu, probe.sibling))
    with restored(probe, path), offline(probe):
        probe.host.write(path, str(both))
        assert probe.read(path) == str(both)


@behaviour
def text_that_is_no_list_of_cpus_is_invalid(probe: Probe) -> None:
    for path in (probe.affinity(probe.movable), WORKQUEUES, DEFAULT_AFFINITY):
        for text in ("", "zz", "1-", "-1"):
            assert probe.refusal(path, text) == "EINVAL", (path, text)


@behaviour
def a_cpu_beyond_the_possible_ones_is_out_of_range(probe: Probe) -> None:
    far = CpuSet((probe.beyond,))
    assert probe.refusal(probe.affinity(probe.movable), str(far)) == "ERANGE"
    assert probe.refusal(WORKQUEUES, far.format_mask()) == "EOVERFLOW"
    assert probe.refusal(DEFAULT_AFFINITY, far.format_mask()) == "EOVERFLOW"


@behaviour
def an_empty_mask_is_invalid(probe: Probe) -> None:
    assert probe.refusal(WORKQUEUES, "0") == "EINVAL"
    assert probe.refusal(DEFAULT_AFFINITY, "0") == "EINVAL"


@behaviour
def a_mask_reads_back_with_leading_zeros(probe: Probe) -> None:
    width = len(probe.read(WORKQUEUES) or "")
    for path in (WORKQUEUES, DEFAULT_AFFINITY):
        with restored(probe, path):
            probe.host.write(path, "3")
            assert probe.read(path) == "3".rjust(width, "0")


@behaviour
def the_mask_of_workqueues_may_name_offline_cpus_alone(probe: Probe) -> None:
    with restored(probe, WORKQUEUES), offline(probe):
        probe.host.write(WORKQUEUES, CpuSet((probe.cpu,)).format_mask())
        assert CpuSet.parse_mask(probe.read(WORKQUEUES) or "") == CpuSet((probe.cpu,))


@behaviour
def the_first_cpu_cannot_go_offline(probe: Probe) -> None:
    assert probe.refusal(probe.online_file(0), "0") == "ENOENT"


@behaviour
def online_takes_zero_and_one(probe: Probe) -> None:
    path = probe.online_file(probe.cpu)
    for text in ("2", "", "x"):
        assert probe.refusal(path, text) == "EINVAL", text
    probe.host.write(path, "1")
    with offline(probe):
        assert probe.read(path) == "0"
        probe.host.write(path, "0")
        assert probe.read(path) == "0"
    assert probe.read(path) == "1"


@behaviour
def an_offline_cpu_leaves_the_lists(probe: Probe) -> None:
    gone = CpuSet((probe.cpu,))
    lists = [path for path in probe.host.capture().files
             if path.startswith("/sys/devices/system/node/node") and path.endswith("/cpulist")
             and probe.cpu in probe.cpus(path)]  # fmt: skip
    siblings = f"{CPUS}/cpu{probe.sibling}/topology/thread_siblings_list"
    before = {path: probe.cpus(path) for path in (*lists, siblings)}
    with offline(probe):
        assert probe.cpus(f"{CPUS}/online") == probe.online - gone
        assert probe.cpus(f"{CPUS}/offline") >= gone
        assert {path: probe.cpus(path) for path in before} == {
            path: cpus - gone for path, cpus in before.items()
        }
    assert probe.cpus(f"{CPUS}/online") == probe.online
    assert {path: probe.cpus(path) for path in before} == before
    assert len(lists) == 1


@behaviour
def a_cpu_whose_sibling_is_offline_comes_back_alone(probe: Probe) -> None:
    own, other = (
        f"{CPUS}/cpu{cpu}/topology/thread_siblings_list" for cpu in (probe.sibling, probe.cpu)
    )
    before = [probe.read(own), probe.read(other)]
    with offline(probe):
        probe.host.write(probe.online_file(probe.sibling), "0")
        try:
            assert [probe.read(own), probe.read(other)] == [None, None]
        finally:
            probe.host.write(probe.online_file(probe.sibling), "1")
        assert [probe.read(own), probe.read(other)] == [f"{probe.sibling}", None]
    assert [probe.read(own), probe.read(other)] == before


@behaviour
def an_offline_cpu_has_no_topology(probe: Probe) -> None:
    names = ("core_id", "physical_package_id", "thread_siblings_list")
    folder = f"{CPUS}/cpu{probe.cpu}/topology"
    before = {name: probe.read(f"{folder}/{name}") for name in names}
    assert None not in before.values()
    with offline(probe):
        assert [probe.read(f"{folder}/{name}") for name in names] == [None, None, None]
        assert probe.read(probe.online_file(probe.cpu)) == "0"
    assert {name: probe.read(f"{folder}/{name}") for name in names} == before


@behaviour
def the_last_target_going_offline_opens_an_interrupt_to_all_that_are_left(probe: Probe) -> None:
    path, rest = probe.affinity(probe.movable), probe.online - CpuSet((probe.cpu,))
    with restored(probe, path):
        probe.host.write(path, str(probe.cpu))
        probe.fire()
        with offline(probe):
            assert probe.cpus(path) == rest
            assert probe.cpus(effective_of(probe)) <= rest
        assert probe.cpus(path) == rest


@behaviour
def an_interrupt_keeps_its_affinity_while_one_target_is_left(probe: Probe) -> None:
    path = probe.affinity(probe.movable)
    both = CpuSet((probe.cpu, probe.sibling))
    with restored(probe, path):
        probe.host.write(path, str(both))
        with offline(probe):
            assert probe.cpus(path) == both
        assert probe.cpus(path) == both


@behaviour
def managed_interrupts_keep_their_affinity_while_their_cpu_is_offline(probe: Probe) -> None:
    paths = [probe.affinity(one) for one in probe.managed]
    before = {path: probe.read(path) for path in paths}
    assert str(probe.cpu) in before.values()
    with offline(probe):
        assert {path: probe.read(path) for path in paths} == before
    assert {path: probe.read(path) for path in paths} == before


@behaviour
def masks_keep_their_offline_cpus(probe: Probe) -> None:
    before = [probe.read(path) for path in (WORKQUEUES, DEFAULT_AFFINITY)]
    with offline(probe):
        assert [probe.read(path) for path in (WORKQUEUES, DEFAULT_AFFINITY)] == before


@behaviour
def the_record_of_a_managed_interrupt_goes_on_while_its_cpu_is_offline(probe: Probe) -> None:
    """Both the list and what is effective can be read as lists of CPUs at any time."""
    with offline(probe):
        for number in probe.managed:
            assert probe.cpus(f"/proc/irq/{number}/effective_affinity_list") <= probe.possible


@behaviour
def virtio_net_spreads_its_queues_anew_with_every_hotplug(probe: Probe) -> None:
    irqs = parse_irqs(probe.host.capture())
    queues = {
        name: probe.affinity(number)
        for number, one in irqs.items()
        for name in one.actions
        if name.partition("-")[2].startswith(("input.", "output."))
    }
    before = {path: probe.read(path) for path in queues.values()}
    for path in before:
        probe.host.write(path, "0")
    with offline(probe):
        offline_spread = {path: probe.cpus(path) for path in before}
        assert CpuSet(
            cpu for one in offline_spread.values() for cpu in one
        ) == probe.online - CpuSet((probe.cpu,))
    assert {path: probe.read(path) for path in before} == before
    assert len(before) in (2, 8)


@behaviour
def a_pool_of_huge_pages_grows_and_shrinks_as_far_as_pages_are_free(probe: Probe) -> None:
    with restored(probe, f"{POOL}/nr_hugepages") as before:
        wanted = int(before) + 4
        probe.host.write(f"{POOL}/nr_hugepages", str(wanted))
        assert int(probe.read(f"{POOL}/nr_hugepages") or 0) == wanted
        assert int(probe.read(f"{POOL}/free_hugepages") or 0) >= 4
    assert probe.read(f"{POOL}/nr_hugepages") == before


@behaviour
def more_huge_pages_than_memory_are_granted_in_part_and_without_an_error(probe: Probe) -> None:
    with restored(probe, f"{POOL}/nr_hugepages") as before:
        probe.host.write(f"{POOL}/nr_hugepages", "999999")
        assert int(before) < int(probe.read(f"{POOL}/nr_hugepages") or 0) < 999999
    assert probe.read(f"{POOL}/nr_hugepages") == before


@behaviour
def text_that_is_no_number_of_huge_pages_is_invalid(probe: Probe) -> None:
    assert probe.refusal(f"{POOL}/nr_hugepages", "many") == "EINVAL"


KSM = HOST_KNOBS["ksm/run"]
RUNTIME = HOST_KNOBS[THROTTLING]


@behaviour
def text_that_is_no_number_is_invalid(probe: Probe) -> None:
    for path in (KSM, RUNTIME, HOST_KNOBS["sysctl/vm.stat_interval"], latency_of(probe)):
        assert probe.refusal(path, "many") == "EINVAL", path


@behaviour
def page_merging_is_stopped_running_or_undone(probe: Probe) -> None:
    with restored(probe, KSM):
        for word in ("2", "1", "0"):
            probe.host.write(KSM, word)
            assert probe.read(KSM) == word
        assert probe.refusal(KSM, "3") == "EINVAL"


@behaviour
def real_time_threads_may_have_all_of_a_second_but_not_more(probe: Probe) -> None:
    with restored(probe, RUNTIME):
        probe.host.write(RUNTIME, "-1")
        assert probe.read(RUNTIME) == "-1"
        assert probe.refusal(RUNTIME, "1000001") == "EINVAL"


@behaviour
def a_cpu_is_asked_to_wake_up_soon(probe: Probe) -> None:
    path = latency_of(probe)
    with restored(probe, path):
        for word in ("20", "n/a"):
            probe.host.write(path, word)
            assert probe.read(path) == word
        assert probe.refusal(path, "-5") == "EINVAL"


def latency_of(probe: Probe) -> str:
    """Where a CPU is asked to wake up soon."""
    return f"{CPUS}/cpu{probe.sibling}/power/pm_qos_resume_latency_us"
