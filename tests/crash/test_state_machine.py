# SPDX-License-Identifier: Apache-2.0
"""Any order of edits, hotplug, foreign writes, guests that come and go, applies, kills, reverts and
releases: what is applied holds, and disturbed runs end as undisturbed ones.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from crash_world import (
    Counter,
    World,
    apply,
    check_modes,
    kill_everywhere,
    make_world,
    recover_world,
    revert,
    state,
)
from hosts_generator import goal_of
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from raw_host import (
    Guest,
    Interrupt,
    Machine,
    confinement_files,
    cpu_files,
    guest_files,
    interrupt_files,
    kernel_files,
    libvirt_daemon_files,
    node_files,
    raw_domain,
)

from kvmrt_plan.apply.run import Status
from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.errors import UsageError, WriteRefusedError
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot
from kvmrt_plan.hosts.simulated.cpusets import allowed_in, settle
from kvmrt_plan.hosts.simulated.evicted import slice_of
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.hosts.simulated.network_queues import spread_queues
from kvmrt_plan.hosts.simulated.storage import read_snapshot_file
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import CpuSet

MACHINE = Machine(sockets=1, cores_per_socket=8)
NAMES = ("a", "b", "c")
#: Disjoint cores for each VM, so that most configurations have no error.
CPUSETS = {"a": ("1-2", "1-3"), "b": ("4-5", "4-6", "5-6"), "c": ("7", "")}
IRQS = (24, 25, 26)
SLICES = ("system.slice", "user.slice")

cpu_sets = st.sampled_from(["0-15", "0", "0,8", "1-4", "3,11", "8-15", "9", "12-13"])
vm_names = st.sampled_from(NAMES)


def uuid_of(name):
    return f"6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c0{NAMES.index(name) + 1}"


def fresh_host():
    rows = [
        Interrupt(number=24, action="eth0-0", affinity=MACHINE.cpus),
        Interrupt(number=25, action="eth0-1", affinity=CpuSet((12,))),
        Interrupt(number=26, action="nvme0q1", affinity=CpuSet((9, 13)), is_managed=True),
        Interrupt(number=27, action="virtio0-input.0", affinity=MACHINE.cpus),
        Interrupt(number=28, action="virtio0-input.1", affinity=MACHINE.cpus),
    ]
    files, links = interrupt_files(rows, default=MACHINE.cpus)
    files.update(spread_queues(files, MACHINE.cpus))
    files.update(kernel_files(release="6.1.0-rt", version="#1 SMP PREEMPT_RT", command_line="ro"))
    files.update(cpu_files(MACHINE))
    files.update(node_files(MACHINE))
    files.update(confinement_files(MACHINE, allowed=MACHINE.cpus))
    files.update(libvirt_daemon_files(812))
    files["/proc/1/comm"] = "systemd\n"
    guests = [
        Guest(name=name, uuid=uuid_of(name), mac="52:54:00:00:00:01", vcpus=2, memory_gib=1)
        for name in NAMES
    ]
    return Snapshot(
        name="machine",
        captured="2026-11-22T10:12:00Z",
        files=files,
        links=links,
        libvirt=RawLibvirt(
            uri="qemu:///system", version=9_000_000, domains=tuple(map(raw_domain, guests))
        ),
    )


class Runs(RuleBasedStateMachine):
    """One host with three VMs; `a` and `b` are real time at first."""

    @initialize(evacuates=st.booleans())
    def begin(self, evacuates):
        self.host = ["host: {evacuate_cpus: true}"] if evacuates else []
        self.folder = Path(tempfile.mkdtemp(dir=shm()))
        self.vms = {
            name: {"nr_vcpus": 1, "cpuset": CPUSETS[name][0], "rt": name != "c", "hide_kvm": False,
                   "autostart": name == "a"}
            for name in NAMES
        }  # fmt: skip
        self.world = make_world(self.folder / "world", fresh_host(), self.goal())

    def teardown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule(name=vm_names, value=st.booleans())
    def set_rt(self, name, value):
        self.edit(name, "rt", value)

    @rule(name=vm_names, number=st.integers(0, 2))
    def set_cpuset(self, name, number):
        self.edit(name, "cpuset", CPUSETS[name][number % len(CPUSETS[name])])

    @rule(name=vm_names, count=st.integers(1, 2))
    def set_vcpus(self, name, count):
        self.edit(name, "nr_vcpus", count)

    @rule(name=vm_names, value=st.booleans())
    def set_hide_kvm(self, name, value):
        self.edit(name, "hide_kvm", value)

    @rule(cpu=st.integers(1, 15), value=st.sampled_from("01"))
    def switch_a_cpu(self, cpu, value):
        self.foreign(lambda host: host.write(f"/sys/devices/system/cpu/cpu{cpu}/online", value))

    @rule(irq=st.sampled_from(IRQS), cpus=cpu_sets)
    def write_an_affinity(self, irq, cpus):
        self.foreign(lambda host: host.write(f"/proc/irq/{irq}/smp_affinity_list", cpus))

    @rule(unit=st.sampled_from(SLICES), cpus=cpu_sets)
    def confine_a_unit(self, unit, cpus):
        self.foreign(lambda host: host.set_allowed_cpus(unit, CpuSet.parse(cpus)))

    @rule(name=vm_names)
    def start_or_stop_a_guest(self, name):
        self.foreign(lambda host: toggle(host, uuid_of(name)))

    @rule()
    def apply(self):
        plan = self.world.plan()
        if plan.is_errored:
            return
        result = apply(self.world)
        event(f"apply: {result.status}")
        assert result.status in (Status.APPLIED, Status.NOTHING), result
        self.check_applied(self.world)

    @rule(place=st.integers(0, 120))
    def apply_with_a_kill(self, place):
        if self.world.plan().is_errored:
            return
        undisturbed = self.world.copy("undisturbed")
        apply(undisturbed)
        before = state(self.world)
        self.kill(place, lambda boundary: apply(self.world, boundary))
        recovery = recover_world(self.world)
        event(f"killed: {recovery and recovery.finish}")
        assert state(self.world) in (before, state(undisturbed))
        apply(self.world)
        assert state(self.world) == state(undisturbed)
        self.check_applied(self.world)

    @rule(place=st.integers(0, 120))
    def revert_with_a_kill(self, place):
        undisturbed = self.world.copy("undisturbed")
        try:
            differs = revert(undisturbed)
        except UsageError:
            return
        if differs:
            # Others have written since; what a kill changes about that is told, not the same.
            return
        before = state(self.world)
        event("revert")
        self.kill(place, lambda boundary: revert(self.world, boundary))
        recover_world(self.world)
        assert state(self.world) in (before, state(undisturbed))

    @rule()
    def recover(self):
        before = state(self.world)
        assert recover_world(self.world) is None
        assert state(self.world) == before

    @rule(name=vm_names)
    def release(self, name):
        world = World(
            self.world.folder, replace(self.world.goal, released=(name,)), self.world.allowed
        )
        if world.plan().is_errored:
            return
        result = apply(world)
        event(f"release: {result.status}")
        assert result.status in (Status.APPLIED, Status.NOTHING), result
        self.check_applied(world)
        check_owned(world)

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def nothing_of_a_run_is_left(self):
        assert not (self.world.folder / "host.json.state" / "journal").exists()
        check_modes(self.world)

    def edit(self, name, attribute, value):
        self.vms[name][attribute] = value
        self.world = World(self.world.folder, self.goal(), self.world.allowed)

    def goal(self):
        lines = [*self.host, "vms:"]
        for name, values in self.vms.items():
            lines += [f"  {name}:", f"    uuid: {uuid_of(name)}"]
            lines += [f"    {key}: {str(value).lower()}" for key, value in values.items()]
        text = "\n".join(lines).replace("cpuset: \n", 'cpuset: ""\n')
        return goal_of(text.encode(), file="machine.yaml")

    def foreign(self, change):
        file = self.world.folder / "host.json"
        host = SimulatedHost(read_snapshot_file(str(file)))
        try:
            change(host)
        except WriteRefusedError:
            return
        if is_invalid_without_cause(host):
            return
        file.write_text(dump_snapshot(host.capture()), encoding="ascii")

    def kill(self, place, action):
        for number, _ in enumerate(kill_everywhere(action)):
            if number == place:
                return

    def check_applied(self, world):
        assert plan_host(world.goal, world.snapshot()).actions == ()
        counter = Counter()
        assert apply(world, counter).status is Status.NOTHING
        assert counter.names == []


def is_invalid_without_cause(host):
    """A partition that stays invalid although what made it so is gone. Nobody can bring a host into this
    state on purpose, so a run that has mended it cannot take that back: told, and not byte for byte.
    """
    words = {
        path: text for path, text in host.texts.files.items()
        if path.endswith("/cpuset.cpus.partition") and " invalid " in text
    }  # fmt: skip
    online = CpuSet.parse_kernel(host.texts.files["/sys/devices/system/cpu/online"])
    again = dict(settle(host.texts.files, online, again=None))
    return any(again[path] != text for path, text in words.items())


def check_owned(world):
    """Every VM that still holds policies has its CPUs for itself."""
    facts = gather_facts(world.snapshot())
    placement = place(world.goal.configuration, facts, released=world.goal.released)
    assert not placement.offlined & facts.cpus.online
    for unit in facts.slices.slices:
        if unit.is_of_a_vm:
            assert unit.partition in ("member", "isolated"), unit
        elif unit.name != "machine.slice":
            assert not (unit.allowed or CpuSet()) & placement.isolated, unit
    for irq in facts.irqs.values():
        if not irq.is_managed and irq.actions:
            assert not irq.affinity & placement.isolated, irq


def toggle(host, uuid):
    """As virsh start and virsh destroy."""
    domain = host.texts.domains[uuid]
    pid = 2000 + 100 * int(uuid[-1])
    gone = [path for path in host.texts.files if path.startswith(f"/proc/{pid}/")]
    if domain.live_xml:
        off = replace(domain, state="shut off", live_xml="")
        host.texts.change(files=dict.fromkeys(gone), domains=(off,))
        return
    settings_now = read_settings(parse_domain(domain.xml, domain=domain.name))
    pins = {
        "emulator" if key == "emulatorpin" else key.partition(" ")[2]: value
        for key, value in settings_now.items()
        if key == "emulatorpin" or key.startswith("vcpupin ")
    }
    online = CpuSet.parse_kernel(host.texts.files["/sys/devices/system/cpu/online"])
    allowed = allowed_in(host.texts.files, slice_of(domain, is_live=False), online)
    if not all(CpuSet.parse(value) & allowed for value in pins.values()):
        raise WriteRefusedError(uuid, "cannot set CPU affinity on process: Invalid argument")
    guest = Guest(
        name=domain.name, uuid=uuid, mac="", vcpus=int(settings_now["vcpus"]), memory_gib=1,
        pins=pins, pid=pid,
    )  # fmt: skip
    live = domain.xml.replace("<domain type='kvm'", "<domain type='kvm' id='1'", 1)
    host.texts.change(
        files=dict(guest_files(guest, online=allowed)),
        domains=(replace(domain, state="running", live_xml=live),),
    )


def shm():
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


TestRuns = Runs.TestCase
TestRuns.settings = settings(
    max_examples=30,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestRuns.pytestmark = [
    pytest.mark.slow,
    # The workers of pytest-xdist have a thread that no fork uses.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]
