# SPDX-License-Identifier: Apache-2.0
"""Boot loaders as their distributions set them up: files and folders by loader."""

from __future__ import annotations

RELEASE = "6.1.0-rt"
GRUB = """\
GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX="console=ttyS0,115200"
"""
MENU = """\
### BEGIN /etc/grub.d/10_linux ###
menuentry 'Debian GNU/Linux' {
\tlinux /vmlinuz-6.1.0-rt root=/dev/vda1 ro console=ttyS0,115200 quiet
\tinitrd /initrd.img-6.1.0-rt
}
menuentry 'Debian GNU/Linux (recovery mode)' {
\tlinux /vmlinuz-6.1.0-rt root=/dev/vda1 ro single console=ttyS0,115200
}
### END /etc/grub.d/10_linux ###
### BEGIN /etc/grub.d/30_os-prober ###
menuentry 'Another system' {
\tlinux /vmlinuz root=/dev/vdb1 ro nohz_full=1
}
### END /etc/grub.d/30_os-prober ###
"""
BLS = 'GRUB_ENABLE_BLSCFG=true\nGRUB_CMDLINE_LINUX="rhgb quiet"\n'


def entry(release: str, *, version: str = "", options: str = "root=/dev/vda1 ro quiet") -> str:
    """One entry of the Boot Loader Specification."""
    return (
        f"title Linux ({release})\nversion {version or release}\nlinux /vmlinuz-{release}\n"
        f"options {options}\n"
    )


#: By loader: files, and folders.
HOSTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "grub-drop-in": (
        {"/etc/default/grub": GRUB, "/boot/grub/grub.cfg": MENU},
        ("/boot/grub", "/etc/default/grub.d"),
    ),
    "grub-defaults": (
        {"/etc/default/grub": GRUB, "/boot/grub2/grub.cfg": MENU},
        ("/boot/grub2",),
    ),
    "grubby": (
        {
            "/etc/default/grub": BLS,
            "/boot/loader/entries/m-0-rescue.conf": entry("0-rescue"),
            "/boot/loader/entries/m-5.14.conf": entry("5.14"),
            "/boot/loader/entries/m-6.1.0-rt.conf": entry(
                RELEASE, options="root=/dev/vda1 ro $tuned_params quiet"
            ),
            "/boot/grub2/grubenv": "# GRUB Environment Block\nsaved_entry=m-6.1.0-rt\n",
        },
        ("/boot/grub2",),
    ),
    "rpm-ostree": (
        {
            "/run/ostree-booted": "",
            "/boot/loader/entries/ostree-1.conf": entry("6.1.0-rt", version="1"),
            "/boot/loader/entries/ostree-2.conf": entry("6.1.0-rt", version="2"),
        },
        (),
    ),
    "kernel-install": (
        {
            "/etc/kernel/cmdline": "root=/dev/vda1 ro quiet\n",
            "/boot/loader/entries/m-6.1.0-rt.conf": entry(RELEASE),
            "/boot/loader/entries/m-5.14.conf": entry("5.14"),
        },
        (),
    ),
}
