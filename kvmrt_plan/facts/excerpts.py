# SPDX-License-Identifier: Apache-2.0
"""The lines of large or private texts that matter here; a snapshot holds no others.

/proc/cpuinfo has 1.5 KiB per CPU, a kernel's configuration 280 KiB, and a process's status or a boot
loader's entry says much that is nobody's business.
"""

from __future__ import annotations

import re

#: Options of the kernel that host checks look at.
KERNEL_OPTIONS = (
    "CPUSETS", "NO_HZ_FULL", "RCU_NOCB_CPU", "HOTPLUG_CPU", "CPU_ISOLATION", "RT_GROUP_SCHED",
    "PREEMPT_RT",
)  # fmt: skip

_EXCERPTS = tuple(
    (re.compile(path), re.compile(lines, re.MULTILINE))
    for path, lines in (
        (r"/proc/cpuinfo\Z", r"^(?:vendor_id|model name|flags|Features)\s*:.*$"),
        (r"/proc/(?:self|\d+)/status\Z", r"^(?:CapEff|VmLck):.*$"),
        (r"/proc/mounts\Z", r"^\S+ \S+ (?:hugetlbfs|resctrl|cgroup2?) .*$"),
        (r"/boot/config-", rf"^(?:# )?CONFIG_(?:{'|'.join(KERNEL_OPTIONS)})[= ].*$"),
        (r"/boot/loader/entries/", r"^(?:linux|options|version)\s.*$"),
        (r"/etc/default/grub", r"^\s*GRUB_(?:CMDLINE_LINUX(?:_DEFAULT)?|ENABLE_BLSCFG)=.*$"),
        (r"/boot/grub2?/grub.cfg\Z", r"^(?:### BEGIN .*|\s*linux(?:16|efi)?\s.*)$"),
        (r"/etc/modprobe\.d/", r"^options kvm(?:_intel|_amd|-intel|-amd)?\s.*$"),
        (r"/etc/initramfs-tools/modules\Z", r"^\s*(?:kvm|vfio).*$"),
        (r"/etc/dracut\.conf", r"^\s*(?:(?:add|force)_)?drivers\+?=.*$"),
        (r"/etc/mkinitcpio\.conf\Z", r"^\s*MODULES\+?=.*$"),
        (r"/boot/grub2?/grubenv\Z", r"^(?:kernelopts|tuned_params)=.*$"),
    )
)


def excerpt(path: str, text: str) -> str:
    r"""The lines that matter, each once, in their order; the whole text where nothing is left out.

    >>> excerpt("/proc/cpuinfo", "processor : 0\nflags : fpu tsc\nprocessor : 1\nflags : fpu tsc\n")
    'flags : fpu tsc\n'
    """
    for which, lines in _EXCERPTS:
        if which.match(path):
            found = dict.fromkeys(lines.findall(text))
            return "".join(f"{line}\n" for line in found)
    return text
