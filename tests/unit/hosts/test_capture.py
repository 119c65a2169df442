# SPDX-License-Identifier: Apache-2.0
"""What a snapshot takes from a tree, and what it leaves."""

from __future__ import annotations

import os
import platform
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kvmrt_plan.errors import HostError
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot
from kvmrt_plan.hosts.capture import capture_live, capture_root
from kvmrt_plan.hosts.tree import LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU = "sys/devices/system/cpu"
WHEN = "2026-11-22T10:12:00Z"


def _write(root: Path, path: str, text: str = "") -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode("utf-8", "surrogateescape"))


def _link(root: Path, path: str, target: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).symlink_to(target)


def _capture(root: Path) -> Snapshot:
    return capture_root(str(root), name="tree", captured=WHEN)


def test_only_what_the_facts_need_is_taken(tmp_path: Path) -> None:
    _write(tmp_path, f"{CPU}/online", "0-1\0\n")
    _write(tmp_path, f"{CPU}/cpu0/topology/core_id", "0\n")
    _write(tmp_path, f"{CPU}/cpu0/cache/index0/size", "32K\n")
    _write(tmp_path, f"{CPU}/cpuidle/current_driver", "none\n")
    _write(tmp_path, "proc/cmdline", "\udcff quiet\n")
    _write(tmp_path, "etc/shadow", "root:x\n")
    assert _capture(tmp_path) == Snapshot(
        name="tree",
        captured=WHEN,
        files={
            f"/{CPU}/online": "0-1\0\n",
            f"/{CPU}/cpu0/topology/core_id": "0\n",
            "/proc/cmdline": "\udcff quiet\n",
        },
        links={f"/{CPU}/cpu0": ""},
    )


def test_first_form_of_a_value_is_taken(tmp_path: Path) -> None:
    _write(tmp_path, "proc/irq/4/smp_affinity", "3\n")
    _write(tmp_path, "proc/irq/4/smp_affinity_list", "0-1\n")
    _write(tmp_path, "proc/irq/4/effective_affinity", "1\n")
    _write(tmp_path, "proc/irq/4/ttyS0/nothing")
    snapshot = _capture(tmp_path)
    assert snapshot.files == {
        "/proc/irq/4/smp_affinity_list": "0-1\n",
        "/proc/irq/4/effective_affinity": "1\n",
    }
    assert snapshot.links == {"/proc/irq/4": "", "/proc/irq/4/ttyS0": ""}


def test_device_folders_are_read_through_their_links(tmp_path: Path) -> None:
    bus, device = "sys/bus/pci/devices", "sys/devices/pci0000:00/0000:00:03.0"
    _link(tmp_path, f"{bus}/0000:00:03.0", "../../../devices/pci0000:00/0000:00:03.0")
    _link(tmp_path, f"{bus}/0000:00:04.0", "../../../devices/pci0000:00/0000:00:04.0")
    _write(tmp_path, f"{device}/msi_irqs/45", "msix\n")
    _write(tmp_path, f"{device}/virtio2/net/eth0/mtu", "1500\n")
    _link(tmp_path, f"{device}/driver", "../../../bus/pci/drivers/virtio-pci")
    snapshot = _capture(tmp_path)
    assert snapshot.files == {f"/{bus}/0000:00:03.0/msi_irqs/45": "msix\n"}
    assert snapshot.links == {
        f"/{bus}/0000:00:03.0/driver": "../../../bus/pci/drivers/virtio-pci",
        f"/{bus}/0000:00:03.0/virtio2/net/eth0": "",
    }


@pytest.mark.parametrize("target", ["../../outside", "/outside"])
def test_links_that_leave_the_tree_are_not_followed(tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside"
    _write(outside, "cpu/online", "0-63\n")
    _write(outside, "cmdline", "secret\n")
    root = tmp_path / "root"
    (root / "proc").mkdir(parents=True)
    away = target if target.startswith("..") else str(outside)
    _link(root, "sys/devices/system", f"../../../{away}" if away.startswith("..") else away)
    _link(root, "proc/cmdline", str(outside / "cmdline"))
    _link(root, "proc/version", "version")
    assert _capture(root) == Snapshot(name="tree", captured=WHEN, files={})


def test_link_within_the_tree_is_followed(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    _write(tmp_path, "etc/static/irqbalance", "X=1\n")
    _link(tmp_path, "etc/default/irqbalance", "../static/irqbalance")
    assert _capture(tmp_path).files == {"/etc/default/irqbalance": "X=1\n"}


def test_interrupts_are_taken_without_their_counts(tmp_path: Path) -> None:
    _write(tmp_path, "proc/interrupts", "     CPU0   CPU1\n 4:  5  6  IO-APIC  4-edge  ttyS0\n")
    expected = "\n 4: IO-APIC  4-edge  ttyS0\n"
    assert _capture(tmp_path).files == {"/proc/interrupts": expected}


def test_processes_are_taken_only_where_they_matter(tmp_path: Path) -> None:
    for pid, name in ((1, "systemd"), (7, "bash"), (8, "irqbalance"), (9, "qemu-system-x86")):
        _write(tmp_path, f"proc/{pid}/comm", f"{name}\n")
        _write(tmp_path, f"proc/{pid}/cmdline", f"{name}\0--secret\0")
        _write(tmp_path, f"proc/{pid}/environ", "PASSWORD=x\0")
        _write(tmp_path, f"proc/{pid}/limits", "Limit\n")
        _write(tmp_path, f"proc/{pid}/task/{pid}/stat", f"{pid} ({name}) S\n")
    assert _capture(tmp_path).files == {
        "/proc/1/comm": "systemd\n",
        "/proc/8/comm": "irqbalance\n",
        "/proc/8/limits": "Limit\n",
        "/proc/9/comm": "qemu-system-x86\n",
        "/proc/9/cmdline": "qemu-system-x86\0--secret\0",
        "/proc/9/limits": "Limit\n",
        "/proc/9/task/9/stat": "9 (qemu-system-x86) S\n",
    }


def test_what_cannot_be_read_is_recorded(tmp_path: Path) -> None:
    _write(tmp_path, "proc/cmdline", "x" * (LIMIT_BYTES + 1))
    os.mkfifo(tmp_path / "proc" / "version")
    (tmp_path / "proc" / "meminfo").mkdir()
    snapshot = _capture(tmp_path)
    assert snapshot.files == {}
    assert snapshot.unreadable == {
        "/proc/cmdline": "EFBIG",
        "/proc/version": "EINVAL",
        "/proc/meminfo": "EINVAL",
    }


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def _without_rights() -> Iterator[None]:
    """As nobody, where the tests run as root, whom no mode stops."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_what_may_not_be_read_is_recorded(open_folder: Path) -> None:
    _write(open_folder, "proc/cmdline", "quiet\n")
    _write(open_folder, "proc/version", "Linux\n")
    (open_folder / "proc" / "cmdline").chmod(0)
    (open_folder / "proc" / "irq").mkdir(mode=0)
    with _without_rights():
        snapshot = _capture(open_folder)
    assert snapshot.files == {"/proc/version": "Linux\n"}
    assert snapshot.unreadable == {
        "/proc/cmdline": "EACCES",
        "/proc/irq": "EACCES",
        "/proc/irq/default_smp_affinity": "EACCES",
    }


def test_folder_without_proc_and_sys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="has neither a folder sys nor a folder proc"):
        _capture(tmp_path)


def test_this_machine_is_captured_with_what_libvirt_said() -> None:
    libvirt = RawLibvirt(uri="test:///default")
    snapshot = capture_live(captured=WHEN, libvirt=libvirt)
    facts = gather_facts(snapshot)
    assert snapshot.libvirt == libvirt
    assert snapshot.name == platform.node()
    assert facts.kernel.release == platform.release()
    assert len(facts.cpus.online) == os.sysconf("SC_NPROCESSORS_ONLN")


def test_tree_named_by_its_caller_can_stand_for_this_machine(tmp_path: Path) -> None:
    _write(tmp_path, "proc/cmdline", "quiet\n")
    snapshot = capture_live(captured=WHEN, name="rt-node-3", sys_root=str(tmp_path))
    assert snapshot == Snapshot(name="rt-node-3", captured=WHEN, files={"/proc/cmdline": "quiet\n"})
