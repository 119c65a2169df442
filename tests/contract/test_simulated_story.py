# SPDX-License-Identifier: Apache-2.0
"""The lab's story on the lab's snapshot: what the real host does to kvmrt, the simulated one does too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lab.inside.story import DOMAIN, NAME, UUID, configuration_of, kvmrt

from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.snapshot import RawDomain
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.values.cpuset import CpuSet

SNAPSHOT = Path(__file__).with_name("lab-host.json")
#: The snapshot has fewer CPUs than today's lab.
CONFIGURATION, SIBLINGS = configuration_of(cpuset="2,4,6", nr_vcpus=2), (3, 5, 7)
#: Interrupts of virtio_net's second pair of queues.
QUEUES = ("/proc/irq/47/smp_affinity_list", "/proc/irq/48/smp_affinity_list")


@pytest.fixture
def host(tmp_path):
    """The snapshot with the story's domain, as a file, and the configuration beside it."""
    snapshot = load_snapshot(SNAPSHOT.read_bytes(), file=SNAPSHOT.name)
    domain = RawDomain(
        uuid=UUID,
        name=NAME,
        state="shut off",
        persistent=True,
        autostart=False,
        xml=DOMAIN.replace("'static'>4<", "'static'>2<"),
        live_xml="",
    )
    snapshot = replace(snapshot, libvirt=replace(snapshot.libvirt, domains=(domain,)))
    path = tmp_path / "host.json"
    path.write_text(dump_snapshot(snapshot))
    (tmp_path / "kvmrt.yaml").write_text(CONFIGURATION)
    return path


def run(host, command, *arguments):
    return kvmrt(command, "--host", str(host), *arguments)


def run_with_configuration(host, command, *arguments):
    return run(host, command, "-f", str(host.with_name("kvmrt.yaml")), *arguments, NAME)


def files(host):
    return load_snapshot(host.read_bytes(), file=host.name).files


def test_an_apply_holds_although_the_driver_spreads_its_queues_anew(host):
    status, output = run_with_configuration(host, "apply", "--yes")

    after = files(host)
    assert status == 0, output
    assert [after[path] for path in QUEUES] == ["0-1\n", "0-1\n"]
    assert {after[f"/sys/devices/system/cpu/cpu{cpu}/online"] for cpu in SIBLINGS} == {"0\n"}
    assert run_with_configuration(host, "plan", "--detailed-exitcode")[0] == 0


def test_a_revert_brings_back_what_was_there_and_not_what_the_driver_makes_of_it(host):
    own = SimulatedHost(load_snapshot(host.read_bytes(), file=host.name))
    for path in QUEUES:
        own.write(path, "7")
    # As systemd leaves it for good, so that the comparison is of everything else.
    own.set_allowed_cpus("system.slice", own_cpus(own))
    own.set_allowed_cpus("init.scope", own_cpus(own))
    host.write_text(dump_snapshot(own.capture()))
    before = files(host)

    assert run_with_configuration(host, "apply", "--yes")[0] == 0
    status, output = run(host, "revert", "--yes")

    after = files(host)
    assert status == 0, output
    changed = {path: text for path, text in after.items() if before.get(path) != text}
    assert {path for path in changed if "effective" not in path} == set()
    assert before.keys() == after.keys()


def own_cpus(host) -> CpuSet:
    return CpuSet.parse_kernel(host.read("/sys/devices/system/cpu/online"))
