# SPDX-License-Identifier: Apache-2.0
"""What is kept of texts that are large or say more than they should."""

from __future__ import annotations

import pytest

from kvmrt_plan.facts.excerpts import excerpt
from kvmrt_plan.hosts.capture import capture_root


@pytest.mark.parametrize(
    ("path", "text", "kept"),
    [
        ("/proc/self/status", "Name:\tkvmrt\nCapEff:\t00ff\nUid:\t0\n", "CapEff:\t00ff\n"),
        ("/proc/812/status", "CapPrm:\t1\nVmLck:\t8 kB\nCapEff:\t2\n", "VmLck:\t8 kB\nCapEff:\t2\n"),
        ("/proc/812/task/812/status", "Name:\tqemu\n", "Name:\tqemu\n"),
        ("/proc/mounts", "/dev/sda1 / ext4 rw 0 0\nx /y resctrl rw 0 0\n", "x /y resctrl rw 0 0\n"),
        ("/boot/config-6.1", "CONFIG_CPUSETS=y\n# CONFIG_NO_HZ_FULL is not set\nCONFIG_CPUSETS_V1=y\n",
         "CONFIG_CPUSETS=y\n# CONFIG_NO_HZ_FULL is not set\n"),
        ("/boot/loader/entries/a.conf", "title A\nmachine-id 1\nlinux /v\noptions quiet\n",
         "linux /v\noptions quiet\n"),
        ("/etc/default/grub", 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="quiet"\n',
         'GRUB_CMDLINE_LINUX="quiet"\n'),
        ("/proc/cmdline", "quiet\n", "quiet\n"),
    ],
)  # fmt: skip
def test_only_the_lines_that_matter_are_kept(path, text, kept):
    assert excerpt(path, text) == kept


def test_host_checks_take_more_of_a_tree_than_a_plan_does(tmp_path):
    for path, text in {
        "proc/sys/kernel/osrelease": "6.1.0-rt\n",
        "boot/config-6.1.0-rt": "CONFIG_CPUSETS=y\nCONFIG_SOUND=y\n",
        "boot/config-5.10": "CONFIG_CPUSETS=y\n",
        "proc/swaps": "Filename\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    plain = capture_root(str(tmp_path), name="host", captured="")
    checked = capture_root(str(tmp_path), name="host", captured="", with_checks=True)

    assert dict(plain.files) == {"/proc/sys/kernel/osrelease": "6.1.0-rt\n"}
    assert dict(checked.files) == {
        "/proc/sys/kernel/osrelease": "6.1.0-rt\n",
        "/boot/config-6.1.0-rt": "CONFIG_CPUSETS=y\n",
        "/proc/swaps": "Filename\n",
    }
