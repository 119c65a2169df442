# SPDX-License-Identifier: Apache-2.0
"""What a plan is made from is watched: every kind of change is seen, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kvmrt_plan.hosts.watch import Watch

FILES = {
    "sys/devices/system/cpu/online": "0-7\n",
    "proc/irq/24/smp_affinity_list": "0-7\n",
    "sys/fs/cgroup/system.slice/cpuset.cpus": "0-7\n",
    "sys/devices/virtual/workqueue/cpumask": "ff\n",
    "sys/devices/virtual/workqueue/writeback/cpumask": "ff\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "run/libvirt/qemu").mkdir(parents=True)
    return tmp_path


def test_an_unchanged_host_is_unchanged(root):
    watch = Watch(root=str(root))

    assert [watch.has_changed() for _ in range(3)] == [False] * 3


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_another_text_is_a_change_until_it_is_back(root, name):
    watch = Watch(root=str(root))

    (root / name).write_text("0-3\n", encoding="utf-8")
    assert watch.has_changed()
    (root / name).write_text(FILES[name], encoding="utf-8")
    assert not watch.has_changed()


def test_an_interrupt_that_has_gone_is_a_change(root):
    watch = Watch(root=str(root))
    (root / "proc/irq/24/smp_affinity_list").unlink()

    assert watch.has_changed()


def test_of_many_files_each_is_read_in_its_turn(root):
    for number in range(100, 300):
        folder = root / f"proc/irq/{number}"
        folder.mkdir()
        (folder / "smp_affinity_list").write_text("0-7\n", encoding="utf-8")
    watch = Watch(root=str(root))
    (root / "proc/irq/299/smp_affinity_list").write_text("2\n", encoding="utf-8")
    (root / "proc/irq/100/smp_affinity_list").write_text("2\n", encoding="utf-8")

    seen = [watch.has_changed() for _ in range(8)]

    # 205 files are four parts, and the second round is as the first.
    assert sum(seen) in {2, 4}
    assert seen[:4] == seen[4:]


def test_definitions_and_the_configuration_are_seen_by_their_time(root):
    configuration = root / "kvmrt.yaml"
    configuration.write_text("vms: {}\n", encoding="utf-8")
    watch = Watch([str(configuration)], root=str(root))
    assert not watch.has_changed()

    os.utime(configuration, ns=(1, 1))
    assert watch.has_changed()
    watch = Watch([str(configuration)], root=str(root))
    (root / "run/libvirt/qemu/rt.xml").write_text("<domstatus/>", encoding="utf-8")
    os.utime(root / "run/libvirt/qemu", ns=(1, 1))
    assert watch.has_changed()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_a_thread_of_qemu_that_may_run_elsewhere_or_ends_is_a_change(root):
    ready = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", ready], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"\n"
        folder = root / f"proc/{child.pid}/task/{child.pid}"
        folder.mkdir(parents=True)
        for file, text in (
            (folder.parent.parent / "comm", "qemu-system-x86"),
            (folder / "status", "Name:\tqemu-system-x86\n"),
        ):
            file.write_text(f"{text}\n", encoding="utf-8")
        watch = Watch(root=str(root))
        assert not watch.has_changed()
        allowed = os.sched_getaffinity(child.pid)
        os.sched_setaffinity(child.pid, {min(allowed)})
        assert watch.has_changed()
        os.sched_setaffinity(child.pid, allowed)
        assert not watch.has_changed()
        child.communicate()
    assert watch.has_changed()
