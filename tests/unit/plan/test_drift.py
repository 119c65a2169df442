# SPDX-License-Identifier: Apache-2.0
"""A plan tells what has drifted, and from what that came as far as it can be known."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from lab.inside.story import DOMAIN, NAME, configuration_of, kvmrt
from lab.inside.story import UUID as VM

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.document import dump_snapshot, load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.held import HELD_PATH
from kvmrt_plan.facts.snapshot import RawDomain
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.values.cpuset import CpuSet

CONFIGURATION = configuration_of(cpuset="2,4,6", nr_vcpus=2)
CPU = "/sys/devices/system/cpu/cpu{}/online"
UNKNOWN = "somebody with root rights has written it; the kernel does not note who"
SPREAD = "went offline, and with every CPU that comes or goes virtio_net spreads its queues anew"


@pytest.fixture(scope="module")
def booted(repository, tmp_path_factory):
    """The lab's host with a guest that runs under its policies, as a snapshot file."""
    folder = tmp_path_factory.mktemp("drift")
    path = folder / "host.json"
    content = (repository / "tests/contract/lab-host.json").read_bytes()
    snapshot = load_snapshot(content, file="lab-host.json")
    domain = RawDomain(
        uuid=VM,
        name=NAME,
        state="shut off",
        persistent=True,
        autostart=False,
        xml=DOMAIN.replace("'static'>4<", "'static'>2<"),
        live_xml="",
    )
    snapshot = replace(snapshot, libvirt=replace(snapshot.libvirt, domains=(domain,)))
    path.write_text(dump_snapshot(snapshot))
    (folder / "kvmrt.yaml").write_text(CONFIGURATION)
    assert kvmrt("boot", "--host", str(path), "-f", str(folder / "kvmrt.yaml"), NAME)[0] == 0
    return path


@pytest.fixture
def host(booted):
    snapshot = load_snapshot(booted.read_bytes(), file=booted.name)
    # Beside the file of a simulated host; a live one has it in its snapshot.
    held = Path(f"{booted}.state", "run", "held.json").read_text()
    return SimulatedHost(replace(snapshot, files={**snapshot.files, HELD_PATH: held}))


def drift(host) -> dict[str, tuple[str | None, str | None, str]]:
    """What kvmrt had written, what is there now, and why: by address."""
    configuration, findings = load_configuration(CONFIGURATION.encode(), file="kvmrt.yaml")
    plan = plan_host(Goal(configuration=configuration, findings=findings), host.capture())
    return {one.address: (one.written, one.present, one.cause) for one in plan.drift}


def with_process(host, name: str) -> SimulatedHost:
    snapshot = host.capture()
    files = {**snapshot.files, "/proc/900/comm": f"{name}\n"}
    return SimulatedHost(replace(snapshot, files=files))


def test_a_host_as_it_was_left_has_none(host):
    assert UUID(VM) in gather_facts(host.capture()).holders
    assert drift(host) == {}


def test_irqbalance_is_the_cause_while_it_runs(host):
    host.write("/proc/irq/30/smp_affinity_list", "0-7")

    assert drift(host) == {"irq/30": ("0-1", "0-7", UNKNOWN)}
    assert drift(with_process(host, "irqbalance")) == {
        "irq/30": ("0-1", "0-7", "irqbalance is running and places interrupts")
    }


def test_tuned_is_the_cause_of_what_nothing_else_explains(host):
    host.write("/sys/devices/virtual/workqueue/cpumask", "ff")

    assert drift(with_process(host, "tuned")) == {
        "workqueue/cpumask": (
            "0-1", "0-7", "TuneD is running (profile none) and may have written it",
        )
    }  # fmt: skip


def test_a_sibling_that_comes_online_explains_what_virtio_net_did_then(host):
    host.write(CPU.format(3), "1")

    found = drift(host)

    assert found.pop("cpu/3") == (
        "offline", "online", "somebody with root rights brought it online (chcpu, or smt/control)",
    )  # fmt: skip
    bound = "CPU 3 came online, and with every CPU that comes the kernel binds it to its node"
    assert found.pop("kthread/kcompactd0/cpus") == ("0-1", "0-3", bound)
    assert found.pop("kthread/kcompactd1/cpus") == ("0-1", "4,6", bound)
    cause = "CPU 3 came online, and with every CPU that comes or goes virtio_net spreads its queues anew"
    assert found == {
        f"irq/{number}": ("0-1", cpus, cause)
        for number, cpus in ((47, "2-3"), (48, "2-3"), (49, "4"), (50, "4"), (51, "6"), (52, "6"))
    }


def test_a_vcpu_whose_cpu_went_offline_gets_it_back(host):
    host.write(CPU.format(4), "0")

    found = drift(host)

    assert {address: one for address, one in found.items() if not address.startswith("irq")} == {
        "cpu/4": (
            "online", "offline",
            "somebody with root rights took it offline (chcpu), and the kernel moved what ran there",
        ),
        f"vm/{NAME}/live/vcpupin 0": (
            "4", "2,6", "CPU 4 went offline, and the kernel moved the thread",
        ),
    }  # fmt: skip
    assert {one[2] for address, one in found.items() if address.startswith("irq")} == {
        f"CPU 4 {SPREAD}"
    }
    host.write(CPU.format(4), "1")
    assert {address for address in drift(host) if not address.startswith("irq")} == {
        "kthread/kcompactd0/cpus", "kthread/kcompactd1/cpus",
    }  # fmt: skip


def test_a_cpu_of_the_host_that_went_offline_is_told_and_left(host):
    host.write(CPU.format(1), "0")

    found = drift(host)

    assert found.pop("cpu/1") == (
        "online", "offline",
        "it was the host's and was taken offline; kvmrt leaves it so and does without it",
    )  # fmt: skip
    assert {one[2] for one in found.values()} == {f"CPU 1 {SPREAD}"}


def test_a_move_that_was_pending_when_a_cpu_went_is_forgotten(host):
    host.write(CPU.format(1), "0")
    host.write("/proc/irq/30/smp_affinity_list", "0-3")

    assert drift(host)["irq/30"] == (
        "0-1", "0-3", "CPU 1 went offline before it had moved, and the kernel forgot where it was to go",
    )  # fmt: skip


def test_a_queue_that_moved_without_hotplug_was_spread_by_its_driver(host):
    host.write("/proc/irq/47/smp_affinity_list", "2")

    assert drift(host)["irq/47"][2].startswith("its driver has spread its queues anew")


def test_a_thread_that_somebody_moved_is_told(host):
    pid = next(
        path.split("/")[2]
        for path, text in host.capture().files.items()
        if path.endswith("/comm") and text == "CPU 0/TCG\n"
    )
    snapshot = host.capture()
    path = next(one for one in snapshot.files if one.startswith(f"/proc/{pid}/task/")
                and one.endswith("/comm") and snapshot.files[one] == "CPU 0/TCG\n")  # fmt: skip
    status = path.replace("/comm", "/status")
    files = {**snapshot.files, status: snapshot.files[status].replace("list:\t4", "list:\t6")}
    moved = SimulatedHost(replace(snapshot, files=files))

    assert drift(moved) == {
        f"vm/{NAME}/live/vcpupin 0": (
            "4", "6",
            "somebody moved the thread (virsh vcpupin, taskset), or its CPU was offline for a time",
        )
    }  # fmt: skip


def test_the_unit_that_broke_a_partition_is_named(host):
    host.set_allowed_cpus("system.slice", CpuSet((0, 1, 2)))

    invalid = "isolated invalid (Cpu list in cpuset.cpus not exclusive)"
    found = drift(host)
    threads = {one for one in found if one.startswith("kthread/")}
    assert {found.pop(one) for one in threads} == {
        (
            "0-1", "0-2,4,6",
            "a partition was made or ended since, and the kernel forgot where the thread was bound",
        )
    }  # fmt: skip
    assert found == {
        f"partition/kvmrt{UUID(VM).hex}.slice/lifted": (
            "isolated", invalid, "system.slice has been given CPU 2",
        )
    }  # fmt: skip
    host.set_allowed_cpus("system.slice", CpuSet((0, 1)))
    assert next(iter(drift(host).values()))[2] == (
        "another unit had one of its CPUs, or they were all offline, for a time"
    )


def test_the_document_and_the_text_of_a_plan_have_it(host, booted, tmp_path):
    host.write("/proc/irq/30/smp_affinity_list", "0-7")
    path = tmp_path / "host.json"
    path.write_text(dump_snapshot(host.capture()))
    arguments = ("--host", str(path), "-f", str(booted.with_name("kvmrt.yaml")))

    text, document = kvmrt("plan", *arguments)[1], kvmrt("plan", *arguments, "--json")[1]

    assert (
        """
DRIFT (what kvmrt had written, and what is there now)
  because somebody with root rights has written it; the kernel does not note
    who:
      ! irq 30 nvme0q0 affinity  0-1 -> 0-7
"""
        in text
    )
    assert '"cause": "somebody with root rights' in document


def test_an_apply_repairs_it_and_the_cpu_of_a_vcpu_is_nothing_that_is_held(booted, tmp_path):
    path = tmp_path / "host.json"
    shutil.copytree(f"{booted}.state", f"{path}.state")
    host = SimulatedHost(load_snapshot(booted.read_bytes(), file=booted.name))
    host.write(CPU.format(4), "0")
    path.write_text(dump_snapshot(host.capture()))
    arguments = ("--host", str(path), "-f", str(booted.with_name("kvmrt.yaml")))

    status, output = kvmrt("apply", *arguments, "--yes", "--allow", "guest-threads")
    after, plan = kvmrt("plan", *arguments, "--detailed-exitcode")

    assert status == 0, output
    assert (after, "DRIFT" in plan) == (0, False), plan
    held = json.loads(Path(f"{path}.state", "run", "held.json").read_text())["values"]
    assert [one for one in held if one.startswith("cpu/")] == ["cpu/3", "cpu/5", "cpu/7"]
    assert load_snapshot(path.read_bytes(), file=path.name).files[CPU.format(4)] == "1\n"
