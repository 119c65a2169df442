# SPDX-License-Identifier: Apache-2.0
"""Which modules the initramfs is told to load."""

from __future__ import annotations

import pytest

from kvmrt_plan.facts.excerpts import excerpt
from kvmrt_plan.facts.initramfs import Initramfs, parse_initramfs
from kvmrt_plan.facts.snapshot import Snapshot

MODULES, CONF, ARCH = (
    "/etc/initramfs-tools/modules",
    "/etc/dracut.conf.d/a.conf",
    "/etc/mkinitcpio.conf",
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, Initramfs()),
        (
            {MODULES: "# vfio\nvfio-pci ids=10de:1db4\n kvm_intel\n"},
            Initramfs(tool="update-initramfs", modules={"vfio_pci": MODULES, "kvm_intel": MODULES}),
        ),
        (
            {
                "/etc/dracut.conf": "#drivers+=' kvm '\nhostonly=yes\n",
                CONF: 'add_drivers+=" vfio vfio-pci " # early\nforce_drivers+="kvm_amd"\n',
            },
            Initramfs(tool="dracut", modules={"vfio": CONF, "vfio_pci": CONF, "kvm_amd": CONF}),
        ),
        (
            {ARCH: "MODULES=(vfio_pci kvm)\nHOOKS=(base udev)\n"},
            Initramfs(tool="mkinitcpio", modules={"vfio_pci": ARCH, "kvm": ARCH}),
        ),
    ],
    ids=["none", "initramfs-tools", "dracut", "mkinitcpio"],
)
def test_the_settings_of_each_tool_are_understood_whole_and_as_they_are_captured(files, expected):
    captured = {path: excerpt(path, text) for path, text in files.items()}

    for texts in (files, captured):
        assert parse_initramfs(Snapshot(name="h", captured="", files=texts)) == expected
