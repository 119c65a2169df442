# SPDX-License-Identifier: Apache-2.0
"""A value that somebody else has changed since the plan was made: it is named, and never written over."""

from __future__ import annotations

import re

import pytest
from crash_pairs import example_world
from crash_world import World, apply, make_world, state
from hosts_generator import make_pair

from kvmrt_plan.apply.addresses import path_of, subject_of
from kvmrt_plan.apply.cpusets import CPUSET_KINDS
from kvmrt_plan.apply.irqbalance import write_ban
from kvmrt_plan.apply.run import Status
from kvmrt_plan.apply.step import Step
from kvmrt_plan.apply.threads import write_thread
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.changes.guest_thread_moves import names_of_threads
from kvmrt_plan.domainxml.document import format_domain, parse_domain, write_setting
from kvmrt_plan.errors import StalePlanError
from kvmrt_plan.facts.cpusets import HIERARCHY
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.hosts.simulated.storage import read_snapshot_file
from kvmrt_plan.hosts.simulated.texts import Texts
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.values.threadvalue import parse_scheduling

PAIRS = (1, 2, 4, 5, 162)
#: Values of settings that no plan of these tests asks for.
_OTHER = {
    "vcpus": "7", "topology": "1,1,7", "memballoon": "virtio-transitional", "title": "Foreign",
    "description": "Foreign", "numatune": "0-1", "memory-locked": None, "kvm-hidden": None,
    "iothreads": "5", "vcpusched": "rr 9", "emulatorsched": "rr 9",
    "iothreadsched": "rr 9", "partition": "/foreign",
}  # fmt: skip


#: What the kernel takes for transparent huge pages.
_WORDS = ("always", "madvise", "never")


#: Kinds without a third value. Tasks that somebody else moves into kvmrt's cpuset keep it there, as is told.
_TWO_VALUES = frozenset(
    {
        Kind.CPU_ONLINE,
        Kind.CPU_EVACUATION,
        Kind.DOMAIN_AUTOSTART,
        Kind.PARTITION,
        Kind.PARTITION_LIFT,
        Kind.CPUSET_TASKS,
    }
)


def other_value(change, online):
    """A value that is neither the one before nor the one after, None when there is no third."""
    if change.kind in _TWO_VALUES:
        return None
    if change.kind in (Kind.BOOT_ARGUMENTS, Kind.MODULE_OPTIONS, Kind.SHIELD_ASSIGNMENTS):
        # No CPU is a value of theirs, and each has files of its own.
        return None
    if change.kind is Kind.DOMAIN_RENAME or change.address.endswith("/scheduler"):
        return "foreign-name" if change.kind is Kind.DOMAIN_RENAME else "rr 99"
    if change.kind is Kind.DOMAIN_XML:
        family = subject_of(change.kind, change.address).partition(" ")[0]
        if family in _OTHER:
            value = _OTHER[family]
            return None if value in (change.before, change.after) else value
        if not family.endswith("pin"):
            # Only pins take any CPU; every other element has words of its own.
            return None
    words = _WORDS if change.address.startswith("thp/") else map(str, online)
    if change.kind is Kind.SLICE_MEMORY:
        words = ("1", "0")
    for word in words:
        if word not in (change.before, change.after):
            return word
    raise AssertionError(change)


def mutate(texts: Texts, change, value: str) -> None:
    """As somebody else would, behind our back."""
    host = SimulatedHost(texts.snapshot())
    if change.kind is Kind.DOMAIN_RENAME:
        host.domains.rename(change.owner, value)
    elif change.kind is Kind.DOMAIN_XML:
        root = parse_domain(host.domains.definition(change.owner), domain="foreign")
        write_setting(root, subject_of(change.kind, change.address), value)
        host.domains.define(format_domain(root))
    elif change.kind is Kind.DOMAIN_LIVE_PIN:
        key = subject_of(change.kind, change.address)
        host.domains.pin(change.owner, key, CpuSet.parse(value))
    elif change.kind in (Kind.KERNEL_THREAD, Kind.KERNEL_THREAD_CPUS):
        write_thread(host, Step(1, change.kind, change.address, change.before, value))
    elif change.kind is Kind.GUEST_THREAD:
        # The cgroup of its guest may have no third CPU: somebody may move the thread with its cgroup.
        alter_thread(host, change, value)
    elif change.kind in (Kind.IRQBALANCE_BAN, Kind.IRQBALANCE_FILE):
        write_ban(host, Step(1, change.kind, change.address, change.before, value))
    elif change.kind in _OF_CGROUPS:
        confine(host, change, value)
    else:
        path = path_of(change.kind, change.address)
        # As a mask `1` is `2`, which may be what the plan wants of a plain number.
        is_mask = change.kind in (
            Kind.IRQ_DEFAULT_AFFINITY,
            Kind.WORKQUEUE_CPUMASK,
            Kind.NET_QUEUE,
        )
        host.write(path, CpuSet.parse(value).format_mask() if is_mask else value)
    texts.change(
        files={
            path: text for path, text in host.texts.files.items() if texts.files.get(path) != text
        },
        domains=tuple(host.texts.domains.values()),
    )


_OF_CGROUPS = CPUSET_KINDS | {Kind.VM_SLICE, Kind.SLICE_CPUS, Kind.SLICE_MEMORY}


def confine(host: SimulatedHost, change, value: str) -> None:
    """A cgroup; for cpusets of v1 those around it and inside of it do not matter here."""
    subject, numbers = subject_of(change.kind, change.address), CpuSet.parse(value)
    if change.kind is Kind.VM_SLICE:
        host.make_slice(subject, numbers)
    elif change.kind is Kind.SLICE_CPUS:
        host.set_allowed_cpus(subject, numbers)
    elif change.kind is Kind.SLICE_MEMORY:
        host.set_allowed_nodes(subject, numbers)
    else:
        host.texts.change(files={f"{HIERARCHY}/{subject}/cpuset.cpus": f"{value}\n"})


def alter_thread(host: SimulatedHost, change, value: str) -> None:
    """Of a guest: whoever moves it to a third CPU has given its cgroup that CPU before."""
    name, _, what = subject_of(change.kind, change.address).rpartition("/")
    threads = host.domains.threads(change.owner)
    names = names_of_threads(threads)
    tid = next(one.tid for one in threads if names.get(one.tid) == name)
    if what == "scheduler":
        host.threads.set_scheduling(tid, *parse_scheduling(value))
        return
    ends = (f"/proc/{tid}/status", f"/task/{tid}/status")
    path = next(path for path in host.texts.files if path.endswith(ends))
    status = with_affinity(host.texts.files[path], CpuSet.parse(value))
    host.texts.change(files={path: status})


def mutations(world: World):
    """Every change of the plan that can have a third value, with that value."""
    plan = world.plan()
    online = CpuSet.parse_kernel(world.snapshot().files["/sys/devices/system/cpu/online"])
    for action in plan.actions:
        if (action.change.before or "").startswith("host "):
            # Outside of its guest's cgroup a thread runs where the root lets it.
            continue
        value = other_value(action.change, online)
        if value is not None:
            yield action.change, value


def worlds(folder):
    yield example_world(folder, "two-socket.yaml")
    for number in PAIRS:
        pair = make_pair(number)
        yield make_world(folder / f"{number}" / "base", pair.snapshot, pair.goal)


def test_a_value_changed_between_plan_and_apply_is_named_and_nothing_is_written(tmp_path):
    tried = set()
    for base in worlds(tmp_path):
        plan = base.plan()
        for change, value in mutations(base):
            world = base.copy("stale")
            file = world.folder / "host.json"
            texts = Texts(read_snapshot_file(str(file)))
            mutate(texts, change, value)
            file.write_text(dump_snapshot(texts.snapshot()), encoding="ascii")
            before = file.read_bytes()
            with pytest.raises(StalePlanError) as raised:
                apply(world, plan=plan)
            named = {text.partition(" was ")[0] for text in raised.value.differences}
            assert change.address in named
            assert file.read_bytes() == before
            left = {path.name for path in world.folder.rglob("*") if path.is_file()}
            assert left == {"host.json", "lock"}
            tried.add(change.kind)
    assert tried >= {
        Kind.VM_SLICE,
        Kind.SLICE_CPUS,
        Kind.WORKQUEUE_CPUMASK,
        Kind.IRQ_DEFAULT_AFFINITY,
        Kind.IRQ_AFFINITY,
        Kind.DOMAIN_XML,
        Kind.DOMAIN_LIVE_PIN,
        Kind.DOMAIN_RENAME,
    }


def test_a_value_changed_between_the_check_and_its_write_is_left_and_the_rest_taken_back(
    tmp_path, monkeypatch
):
    opened: list[Texts] = []
    made = SimulatedHost.__init__

    def remember(self, *arguments, **named):
        made(self, *arguments, **named)
        opened.append(self.texts)

    for base in worlds(tmp_path):
        plan, old = base.plan(), state(base)
        for change, value in mutations(base):
            world = base.copy("stale")
            with monkeypatch.context() as patch:
                patch.setattr(SimulatedHost, "__init__", remember)
                opened.clear()
                has_mutated = False

                def boundary(what, change=change, value=value):
                    nonlocal has_mutated
                    # The header is written after the check and before the first write.
                    if what == "after write journal" and not has_mutated:
                        has_mutated = True
                        mutate(opened[0], change, value)

                result = apply(world, boundary, plan=plan)
            assert has_mutated
            assert result.is_stale
            assert result.status is Status.REVERTED, result.differs
            assert change.address in result.failure
            foreign = base.copy("foreign")
            file = foreign.folder / "host.json"
            texts = Texts(read_snapshot_file(str(file)))
            mutate(texts, change, value)
            file.write_text(dump_snapshot(texts.snapshot()), encoding="ascii")
            assert state(world) == state(foreign)
            assert state(world) != old


def test_a_mask_is_never_taken_for_a_list_of_the_same_digits(tmp_path):
    """CPUs 0 and 4 are mask 11; a plan that was made on CPU 11 must not find it."""
    base = next(iter(worlds(tmp_path)))
    change = next(
        one.change for one in base.plan().actions if one.change.kind is Kind.IRQ_DEFAULT_AFFINITY
    )
    path = path_of(change.kind, change.address)
    file = base.folder / "host.json"
    snapshot = read_snapshot_file(str(file))
    texts = Texts(snapshot)
    texts.change(files={path: "00000800\n"})
    file.write_text(dump_snapshot(texts.snapshot()), encoding="ascii")
    plan = base.plan()
    assert any(re.fullmatch("11", one.change.before or "") for one in plan.actions)
    texts.change(files={path: "00000011\n"})
    file.write_text(dump_snapshot(texts.snapshot()), encoding="ascii")
    with pytest.raises(StalePlanError, match="irq/default was 11 when planned, is 0,4 now"):
        apply(base, plan=plan)
