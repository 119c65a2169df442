# SPDX-License-Identifier: Apache-2.0
"""cpusets of cgroup v1: the simulated host answers as a real kernel does, and tasks move as they should.

On a machine with that hierarchy, as root, everything happens in a cpuset of the test's own, with processes of
its own; CPUs are not switched there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.cpusets import BOTH, CONFINED, EVERYWHERE, HIERARCHY, OURS, TASKS
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.hosts.cpusets import TaskCpuset
from kvmrt_plan.hosts.live import LiveHost
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.ports import Host

BASE = f"{HIERARCHY}/kvmrt-contract-{os.getpid()}"
OUTER, INNER = f"{BASE}/cpuset.cpus", f"{BASE}/inner/cpuset.cpus"
#: Threads too, one of which somebody has bound.
PROGRAM = """\
import os, threading, time
thread = threading.Thread(target=time.sleep, args=(60,))
thread.start()
print("ready", flush=True)
input()
os.execvp("sleep", ["sleep", "60"]) if os.fork() == 0 else print("forked", flush=True)
time.sleep(60)
"""


@dataclass(frozen=True)
class Probe:
    """A host with a cpuset, one inside of it, and at least two CPUs."""

    host: Host
    online: CpuSet

    def refusal(self, path: str, text: str) -> str:
        """The name of the errno that a write is refused with."""
        before = self.host.read(path)
        with pytest.raises(WriteRefusedError) as caught:
            self.host.write(path, text)
        assert self.host.read(path) == before
        return caught.value.errno_name


def needs_legacy() -> None:
    """Skips where this kernel's cpusets are not those of cgroup v1."""
    if os.geteuid() != 0 or not os.path.exists(TASKS):
        pytest.skip("needs root and a cpuset hierarchy of cgroup v1")
    if len(online()) < 2:
        pytest.skip("needs two CPUs")


def online() -> CpuSet:
    """The CPUs of this machine."""
    return CpuSet.parse_kernel(Path("/sys/devices/system/cpu/online").read_text())


@pytest.fixture
def own():
    """A cpuset with all CPUs and the memory of the root, and one inside."""
    needs_legacy()
    root = Path(BASE)
    for folder in (root, root / "inner"):
        folder.mkdir()
        for name in ("cpuset.mems", "cpuset.cpus"):
            (folder / name).write_text((folder.parent / name).read_text())
    yield root
    for folder in (root / OURS, root / "inner", root):
        for task in (folder / "tasks").read_text().split() if folder.exists() else ():
            with suppress(ProcessLookupError):
                Path(TASKS).write_text(task)
        removed(folder)


def removed(folder: Path) -> None:
    """A cpuset that the test's processes are just leaving: they count until they are gone."""
    for _ in range(250):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return


def simulated() -> SimulatedHost:
    """Eight CPUs and the same cpusets."""
    every = "0-7\n"
    paths = (f"{HIERARCHY}/cpuset.cpus", OUTER, INNER)
    cpus = {f"/sys/devices/system/cpu/{name}": every for name in ("online", "possible", "present")}
    switches = {f"/sys/devices/system/cpu/cpu{cpu}/online": "1\n" for cpu in range(1, 8)}
    files = {**dict.fromkeys(paths, every), **cpus, **switches, TASKS: "root\n"}
    return SimulatedHost(Snapshot(name="v1", captured="", files=files))


@pytest.fixture(params=["simulated", "real"])
def probe(request):
    if request.param == "simulated":
        return Probe(simulated(), CpuSet(range(8)))
    request.getfixturevalue("own")
    return Probe(LiveHost(uri=None), online())


def test_a_cpuset_lies_within_its_parent_and_around_its_children(probe):
    host, some = probe.host, str(probe.online.first)
    every = str(probe.online)

    assert probe.refusal(OUTER, some) == "EBUSY"
    host.write(INNER, some)
    host.write(OUTER, some)
    assert probe.refusal(INNER, every) == "EACCES"
    host.write(OUTER, every)
    host.write(INNER, every)
    assert (host.read(OUTER), host.read(INNER)) == (f"{every}\n", f"{every}\n")


def test_what_is_no_list_or_names_cpus_beyond_all_is_refused(probe):
    assert probe.refusal(INNER, "some") == "EINVAL"
    assert probe.refusal(INNER, "4000") == "ERANGE"


def test_a_cpu_that_was_offline_does_not_come_back_to_any_cpuset_but_the_root():
    host, switch = simulated(), "/sys/devices/system/cpu/cpu7/online"

    host.write(switch, "0")
    assert [host.read(path) for path in (OUTER, INNER)] == ["0-6\n"] * 2
    with pytest.raises(WriteRefusedError) as caught:
        host.write(INNER, "5-7")
    assert caught.value.errno_name == "EINVAL"
    host.write(switch, "1")
    assert [host.read(path) for path in (f"{HIERARCHY}/cpuset.cpus", OUTER, INNER)] == [
        "0-7\n", "0-6\n", "0-6\n",
    ]  # fmt: skip


def test_the_simulated_cpuset_takes_tasks_and_does_not_go_with_them():
    host = simulated()

    with pytest.raises(WriteRefusedError):
        host.move_tasks(is_confined=True)
    host.make_cpuset(CpuSet((0, 1)))
    host.move_tasks(is_confined=True)
    assert host.task_place() == CONFINED
    with pytest.raises(WriteRefusedError) as caught:
        host.remove_cpuset()
    assert caught.value.errno_name == "EBUSY"
    host.move_tasks(is_confined=False)
    host.remove_cpuset()
    assert (host.task_place(), host.read(f"{HIERARCHY}/{OURS}/cpuset.cpus")) == (EVERYWHERE, None)


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A process in the test's own cpuset."""
    process = subprocess.Popen(
        [program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    Path(f"{BASE}/cgroup.procs").write_text(str(process.pid))
    return process


def threads(process: subprocess.Popen[str]) -> list[CpuSet]:
    """Where the threads may run."""
    return [
        CpuSet(os.sched_getaffinity(int(tid))) for tid in os.listdir(f"/proc/{process.pid}/task")
    ]


def test_tasks_are_confined_with_their_threads_and_children_and_come_back(own):
    first, every = CpuSet((online().first,)), online()
    cpuset = TaskCpuset(BASE)
    process = started(sys.executable, "-c", PROGRAM)
    try:
        assert process.stdout.readline() == "ready\n"
        assert cpuset.place() == EVERYWHERE
        cpuset.make(first)
        cpuset.confine()
        assert (cpuset.place(), threads(process)) == (CONFINED, [first, first])

        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "forked\n"
        inside = (own / OURS / "tasks").read_text().split()
        assert len(inside) == 3
        with pytest.raises(WriteRefusedError) as caught:
            cpuset.remove()
        assert caught.value.errno_name == "EBUSY"

        (own / "tasks").write_text(inside[0])
        assert cpuset.place() == BOTH
        cpuset.confine()
        cpuset.release()
        assert (cpuset.place(), threads(process)) == (EVERYWHERE, [every, every])
        assert sorted((own / "tasks").read_text().split()) == sorted(inside)
        os.kill(int(max(inside, key=int)), 9)
        cpuset.remove()
        assert not (own / OURS).exists()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.usefixtures("own")
def test_a_qemu_that_libvirt_gave_no_cpuset_stays_where_it_is(tmp_path):
    shutil.copy("/bin/sleep", tmp_path / "qemu-system-x86")
    process = started(str(tmp_path / "qemu-system-x86"), "60")
    cpuset = TaskCpuset(BASE)
    try:
        cpuset.make(CpuSet((online().first,)))
        cpuset.confine()
        assert (cpuset.place(), threads(process)) == (EVERYWHERE, [online()])
        cpuset.remove()
    finally:
        process.kill()
        process.communicate()


def test_a_cpuset_that_was_made_half_reads_as_empty_and_is_removed(own):
    (own / OURS).mkdir()
    assert (own / OURS / "cpuset.cpus").read_text() == "\n"

    TaskCpuset(BASE).remove()

    assert not (own / OURS).exists()


def test_without_the_hierarchy_there_is_no_place_for_tasks(tmp_path):
    assert TaskCpuset(str(tmp_path)).place() is None
