# SPDX-License-Identifier: Apache-2.0
"""A pool that grows only in part."""

from __future__ import annotations

import pytest

from kvmrt_plan.apply.hugepages import is_partial, write_pool
from kvmrt_plan.apply.step import Step
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.hosts.simulated.kernel import Kernel
from kvmrt_plan.hosts.simulated.texts import Texts

NODE = "/sys/devices/system/node/node1"
POOL = f"{NODE}/hugepages/hugepages-1048576kB"


class Files:
    """What a step reads and writes of a host: the simulated kernel's files."""

    def __init__(self, *, total: int, free: int, free_gib: int) -> None:
        self.texts = Texts(
            Snapshot(
                name="x",
                captured="",
                files={
                    "/sys/devices/system/cpu/online": "0-3\n",
                    f"{POOL}/nr_hugepages": f"{total}\n",
                    f"{POOL}/free_hugepages": f"{free}\n",
                    f"{NODE}/meminfo": f"Node 1 MemFree:        {free_gib * 1048576} kB\n",
                },
            )
        )
        self._kernel = Kernel(self.texts)

    def read(self, path: str) -> str | None:
        return self.texts.files.get(path)

    def write(self, path: str, text: str) -> None:
        self._kernel.write(path, text)


def step(old: str, new: str) -> Step:
    return Step(1, Kind.HUGEPAGES, "hugepages/node1/1048576", old, new)


def counts(files: Files) -> tuple[str, str]:
    return files.texts.files[f"{POOL}/nr_hugepages"], files.texts.files[f"{POOL}/free_hugepages"]


def test_a_pool_takes_free_memory_and_gives_it_back():
    files = Files(total=2, free=1, free_gib=10)
    before = dict(files.texts.files)

    write_pool(files, step("2", "8"))
    assert counts(files) == ("8\n", "7\n")
    assert files.texts.files[f"{NODE}/meminfo"] == f"Node 1 MemFree:         {4 * 1048576} kB\n"
    write_pool(files, step("8", "2"))

    assert files.texts.files == before


def test_too_few_pages_are_an_error_with_numbers_and_the_pool_is_as_it_was():
    files = Files(total=2, free=1, free_gib=3)
    before = dict(files.texts.files)

    with pytest.raises(WriteRefusedError) as caught:
        write_pool(files, step("2", "8"))

    assert "holds 5 pages after 8 were asked for, and has its 2 again" in caught.value.problem
    assert "hugepagesz=1G hugepages=1:8" in caught.value.problem
    assert files.texts.files == before


def test_pages_in_use_stay():
    files = Files(total=8, free=1, free_gib=3)

    files.write(f"{POOL}/nr_hugepages", "0")

    assert counts(files) == ("7\n", "0\n")


@pytest.mark.parametrize(
    ("now", "partial"), [("2", True), ("5", True), ("8", True), ("9", False), (None, False)]
)
def test_a_number_between_old_and_new_is_a_write_of_ours(now, partial):
    assert is_partial(step("2", "8"), now) is partial


def test_no_other_kind_is_ever_partial():
    assert not is_partial(Step(1, Kind.SYSCTL, "sysctl/vm.stat_interval", "1", "10"), "5")
