# SPDX-License-Identifier: Apache-2.0
"""What libvirt makes of a definition before it gives it back.

As measured with libvirt 9.0: CPU lists come back in ascending ranges (`3,2` as `2-3`), one vcpusched for
several vCPUs as one per vCPU (iothreadsched likewise), and a domain without a memory balloon gets one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.domainxml.document import read_settings, write_setting

if TYPE_CHECKING:
    from lxml.etree import _Element

#: Settings whose elements libvirt writes anew, by the first word of their keys.
_REWRITTEN = frozenset({
    "vcpupin", "emulatorpin", "iothreadpin", "vcpusched", "iothreadsched", "emulatorsched", "numatune",
})  # fmt: skip
_DEFAULT_BALLOON = "virtio"
#: Domains of QEMU's driver; libvirt's test driver adds no device.
_WITH_BALLOON = frozenset({"kvm", "qemu"})


def bring_to_normal_form(domain: _Element) -> None:
    """Change the tree as libvirt would; doing it twice changes nothing more."""
    settings = read_settings(domain)
    for key, value in settings.items():
        if key.partition(" ")[0] in _REWRITTEN:
            write_setting(domain, key, value)
    has_devices = domain.find("devices") is not None
    if "memballoon" not in settings and has_devices and domain.get("type") in _WITH_BALLOON:
        write_setting(domain, "memballoon", _DEFAULT_BALLOON)
