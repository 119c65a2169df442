# SPDX-License-Identifier: Apache-2.0
"""From an untouched host to a shielded real-time VM and back, on a real kernel with systemd and libvirt."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from lab.inside.host_values import differences, host_values, without_cpusets
from lab.inside.story import (
    HOUSEKEEPING,
    NAME,
    OWNED,
    SIBLINGS,
    USED,
    kvmrt,
    make_guest,
)

from kvmrt_plan.facts.irq import parse_irqs
from kvmrt_plan.values.cpuset import CpuSet

libvirt = pytest.importorskip("libvirt")
pytestmark = pytest.mark.skipif(
    not os.path.exists("/run/libvirt/libvirt-sock"), reason="the lab was booted without libvirt"
)

SLICE = "kvmrt5b1f0c1e52c54f2a9a5e6b5c1d0a7e01.slice"
HELD = ("/run/kvmrt/held.json", "/var/lib/kvmrt/journal/current")
THREADS = {"CPU 0/TCG": {"4"}, "CPU 1/TCG": {"6"}, "CPU 2/TCG": {"8"}, "CPU 3/TCG": {"10"},
           "qemu-system-x86": {"2"}}  # fmt: skip


def text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").strip()


def definition() -> str:
    connection = libvirt.open("qemu:///system")
    try:
        return connection.lookupByName(NAME).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    finally:
        connection.close()


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    return make_guest(tmp_path_factory.mktemp("story"))


def keep(name: str, output: str) -> None:
    """Leave it in /lab for who looks at a failure."""
    Path("/lab", name).write_text(output)


def test_apply_shields_the_vm_and_revert_leaves_no_trace(configuration, live_host):
    before, xml = host_values(), definition()

    status, output = kvmrt("apply", "-f", configuration, "--yes", NAME)
    keep("apply", output)
    assert status == 0, output

    assert {
        cpu: text(f"/sys/devices/system/cpu/cpu{cpu}/online") for cpu in SIBLINGS
    } == dict.fromkeys(SIBLINGS, "0")
    assert {
        name: text(f"/sys/fs/cgroup/{SLICE}/cpuset.cpus{name}")
        for name in ("", ".effective", ".partition")
    } == {"": OWNED, ".effective": USED, ".partition": "isolated"}
    assert text("/sys/fs/cgroup/cpuset.cpus.effective") == HOUSEKEEPING
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    assert text(f"/sys/fs/cgroup/{SLICE}/cpuset.cpus.partition") == "isolated"
    assert unbound_kernel_threads() == {"kthreadd": HOUSEKEEPING, "kswapd0": HOUSEKEEPING,
                                        "kcompactd1": HOUSEKEEPING}  # fmt: skip
    assert CpuSet.parse_mask(text("/sys/devices/virtual/workqueue/cpumask")) == CpuSet((0, 1))
    assert CpuSet.parse_mask(text("/proc/irq/default_smp_affinity")) == CpuSet((0, 1))
    assert {
        name: text(f"/sys/fs/cgroup/{name}/cpuset.cpus.effective")
        for name in ("system.slice", "init.scope")
    } == {"system.slice": HOUSEKEEPING, "init.scope": HOUSEKEEPING}
    irqs = parse_irqs(live_host.capture()).values()
    movable = {one.number: one.affinity for one in irqs
               if one.actions and one.is_movable and not one.is_managed}  # fmt: skip
    assert movable
    assert {n: cpus for n, cpus in movable.items() if not cpus <= CpuSet((0, 1))} == {}

    status, output = kvmrt("plan", "-f", configuration, "--detailed-exitcode", NAME)
    keep("plan-after-apply", output)
    assert status == 0, output

    status, output = kvmrt("revert", "--yes")
    keep("revert", output)
    assert status == 0, output
    left = differences(before, host_values())
    keep("differences.json", json.dumps(left, indent=1))
    assert definition() == xml
    assert without_cpusets(left) == {}
    assert not os.path.exists(f"/sys/fs/cgroup/{SLICE}")
    # The file stays, and names the run that it was settled for.
    assert json.loads(text(HELD[0]))["values"] == {}


def unbound_kernel_threads() -> dict[str, str]:
    """Where threads of the kernel may run that are bound to no CPU."""
    found = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            lines = text(f"/proc/{process}/status").splitlines()
            name = lines[0].partition("\t")[2]
            if name in ("kthreadd", "kswapd0", "kcompactd1"):
                cpus = next(line for line in lines if line.startswith("Cpus_allowed_list"))
                found[name] = cpus.partition("\t")[2]
    return found


def test_a_running_guest_has_its_threads_where_the_plan_says(configuration):
    assert kvmrt("apply", "-f", configuration, "--yes", NAME)[0] == 0
    connection = libvirt.open("qemu:///system")
    domain = connection.lookupByName(NAME)
    domain.create()
    try:
        pid = text(f"/run/libvirt/qemu/{NAME}.pid")
        allowed = {}
        for task in os.listdir(f"/proc/{pid}/task"):
            lines = text(f"/proc/{pid}/task/{task}/status").splitlines()
            cpus = next(line for line in lines if line.startswith("Cpus_allowed_list"))
            allowed.setdefault(lines[0].partition("\t")[2], set()).add(cpus.partition("\t")[2])
        status, output = kvmrt("plan", "-f", configuration, "--detailed-exitcode", NAME)
        keep("plan-running", output)
    finally:
        domain.destroy()
        connection.close()
    assert {name: cpus for name, cpus in allowed.items() if name in THREADS} == THREADS
    assert status == 0, output
    assert kvmrt("revert", "--yes")[0] == 0
