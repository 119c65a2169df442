# SPDX-License-Identifier: Apache-2.0
"""Others change what is held while a real-time guest runs: a plan says what and why, an apply repairs it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from lab.inside.story import NAME, kvmrt, make_guest

pytest.importorskip("libvirt")
pytestmark = pytest.mark.skipif(
    not os.path.isdir("/run/systemd/system") or not os.path.exists("/run/libvirt/libvirt-sock"),
    reason="the lab was booted without systemd or libvirt",
)

#: irqbalance looks every 10 s by default; the lab's clock may be slow.
SECONDS = 240
CPU = "/sys/devices/system/cpu/cpu{}/online"


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    """A guest that runs under its policies."""
    path = make_guest(tmp_path_factory.mktemp("drift"))
    status, output = kvmrt("boot", "-f", path, NAME)
    keep("drift-boot", output)
    assert status == 0, output
    yield path
    status, output = kvmrt("shutdown", "-f", path, "--timeout", "60", "--force", NAME)
    keep("drift-shutdown", output)
    assert status == 0, output


def keep(name: str, output: str) -> None:
    """Leave it in /lab for who looks at a failure."""
    Path("/lab", name).write_text(output)


def drift(configuration: str, name: str) -> dict[str, str]:
    """Causes by address, of what has drifted."""
    output = kvmrt("plan", "-f", configuration, "--json")[1]
    keep(f"drift-{name}.json", output)
    document = json.loads(output)
    return {one["address"]: one["cause"] for one in document.get("drift", ())}


def repair(configuration: str, name: str) -> None:
    """An apply, after which a plan finds nothing."""
    status, output = kvmrt("apply", "-f", configuration, "--yes", "--allow", "guest-threads")
    keep(f"drift-{name}-apply", output)
    assert status == 0, output
    status, output = kvmrt("plan", "-f", configuration, "--detailed-exitcode")
    keep(f"drift-{name}-after", output)
    assert status == 0, output


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def write(path: str, text: str) -> None:
    Path(path).write_text(text)


@pytest.mark.parametrize("command", [("daemon-reload",), ("restart", "libvirtd")])
def test_what_systemd_does_moves_nothing(configuration, command):
    run("systemctl", *command)

    status, output = kvmrt("plan", "-f", configuration, "--detailed-exitcode")

    assert status == 0, output
    assert "DRIFT" not in output


def test_irqbalance_is_named_when_it_has_moved_interrupts(configuration):
    process = subprocess.Popen(
        ["/lab/programs/irqbalance", "--foreground", "--interval=1"], stdin=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + SECONDS
        causes: dict[str, str] = {}
        while not causes and time.monotonic() < deadline:
            time.sleep(2)
            causes = drift(configuration, "irqbalance")
    finally:
        process.terminate()
        process.wait()

    assert causes
    assert set(causes.values()) == {"irqbalance is running and places interrupts"}
    assert all(address.startswith("irq/") for address in causes)
    repair(configuration, "irqbalance")


def test_an_interface_that_goes_down_and_up_keeps_its_interrupts(configuration):
    run("ip", "link", "set", "eth0", "down")
    run("ip", "link", "set", "eth0", "up")

    assert drift(configuration, "ifup") == {}


def test_an_interface_that_is_made_anew_has_its_interrupts_back_after_an_apply(configuration):
    device = Path("/sys/class/net/eth0/device").resolve().name
    write("/sys/bus/virtio/drivers/virtio_net/unbind", device)
    write("/sys/bus/virtio/drivers/virtio_net/bind", device)

    causes = drift(configuration, "rebind")

    assert [one for one in causes if one.startswith("irq/")]
    assert all("its driver has spread its queues anew" in one for one in causes.values())
    repair(configuration, "rebind")


def test_a_sibling_that_was_brought_online_goes_again(configuration):
    write(CPU.format(3), "1")

    causes = drift(configuration, "sibling")

    assert (
        causes.pop("cpu/3") == "somebody with root rights brought it online (chcpu, or smt/control)"
    )
    assert all(one.startswith("CPU 3 came online, and with every CPU") for one in causes.values())
    repair(configuration, "sibling")
    assert Path(CPU.format(3)).read_text() == "0\n"


def test_a_vcpu_gets_its_cpu_back(configuration):
    write(CPU.format(4), "0")

    causes = drift(configuration, "vcpu")

    assert causes.pop("cpu/4").startswith("somebody with root rights took it offline")
    assert (
        causes.pop(f"vm/{NAME}/live/vcpupin 0")
        == "CPU 4 went offline, and the kernel moved the thread"
    )
    assert all(one.startswith("CPU 4 went offline, and with every CPU") for one in causes.values())
    repair(configuration, "vcpu")
    assert Path(CPU.format(4)).read_text() == "1\n"
    stat = json.loads(kvmrt("stat", "-f", configuration, "--json")[1])
    assert [one["name"] for one in stat["vms"][0]["threads"] if one["deviates"]] == []


def test_the_host_does_without_a_cpu_that_was_taken_from_it(configuration):
    write(CPU.format(1), "0")

    causes = drift(configuration, "host")
    repair(configuration, "host")
    write(CPU.format(1), "1")
    repair(configuration, "host-back")

    assert causes.pop("cpu/1").startswith("it was the host's and was taken offline")
    # An interrupt whose move was pending (it moves when it fires) may be back where it was.
    assert all(one.startswith("CPU 1 went offline") for one in causes.values())


def test_a_partition_that_another_unit_broke_is_made_anew(configuration):
    run("systemctl", "set-property", "--runtime", "system.slice", "AllowedCPUs=0-2")

    causes = drift(configuration, "partition")

    threads = {one for one in causes if one.startswith("kthread/")}
    # Since Linux 6.2 they stay where kvmrt has bound them.
    assert {causes.pop(one) for one in threads} <= {
        "a partition was made or ended since, and the kernel forgot where the thread was bound"
    }
    assert list(causes.values()) == ["system.slice has been given CPU 2"]
    repair(configuration, "partition")
