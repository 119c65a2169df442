# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt guest` does, as a script for guests without an agent.

A POSIX shell with sed and grep suffices. It may run any number of times. With KVMRT_ROOT it works on a
guest's file system that is mounted there, and leaves out what needs the running guest.
"""

from __future__ import annotations

from kvmrt_plan.facts.guest import BLOCK_PATH, CHRONY, LOAD_PATH, NETWORK_PATH

_HEAD = """\
#!/bin/sh
# Made by `kvmrt guest --script`. Run it as root in the guest, then restart the guest.
# KVMRT_ROOT=/mnt sh SCRIPT works on a file system that is mounted at /mnt.
set -eu
root=${KVMRT_ROOT:-}

# only FILE PATTERN LINE: the file has the line once, and what else the pattern finds is commented out.
only() {
    if [ -f "$1" ] && grep -qxF "$3" "$1" &&
        [ "$(grep -Eic "$2" "$1")" = "$(grep -cxF "$3" "$1")" ]; then return; fi
    [ -f "$1" ] || : >"$1"
    cp -p "$1" "$1.kvmrt"
    { grep -vxF "$3" "$1" | sed -E "s/$2/# &/I"; printf '%s\\n' "$3"; } >"$1.kvmrt"
    mv -f "$1.kvmrt" "$1"
    changed=yes
}
"""
_BLOCK = f"""
# A real-time guest has no balloon: nothing may take its memory away.
mkdir -p "$root{BLOCK_PATH.rpartition("/")[0]}"
wanted='blacklist virtio_balloon
install virtio_balloon /bin/false'
if [ "$(cat "$root{BLOCK_PATH}" 2>/dev/null || true)" != "$wanted" ]; then
    printf '%s\\n' "$wanted" >"$root{BLOCK_PATH}"
    if [ -n "$root" ]; then
        echo 'make the initramfs anew when the guest runs (update-initramfs or dracut)' >&2
    elif command -v update-initramfs >/dev/null; then update-initramfs -u -k all
    elif command -v dracut >/dev/null; then dracut --force --regenerate-all
    fi
fi
"""
_CLOCK = f"""
# The guest's clock follows the host's: chrony with the clock of ptp_kvm, and no other.
if [ -d "$root/etc/chrony" ]; then
    unit=chrony conf={CHRONY["chrony"][0]} drift={CHRONY["chrony"][1]}
elif [ -f "$root/etc/chrony.conf" ]; then
    unit=chronyd conf={CHRONY["chronyd"][0]} drift={CHRONY["chronyd"][1]}
else
    echo 'chrony is not installed: install it, then run this again' >&2
    exit 1
fi
changed=no
mkdir -p "$root{LOAD_PATH.rpartition("/")[0]}"
[ "$(cat "$root{LOAD_PATH}" 2>/dev/null || true)" = ptp_kvm ] || {{
    echo ptp_kvm >"$root{LOAD_PATH}"
    changed=yes
}}
device=/dev/ptp0
for clock in "$root"/sys/class/ptp/ptp*; do
    [ -r "$clock/clock_name" ] || continue
    if [ "$(cat "$clock/clock_name")" = 'KVM virtual PTP' ]; then device=/dev/${{clock##*/}}; break; fi
    device=/dev/ptp_kvm
done
only "$root$conf" '^[[:space:]]*(refclock|server|pool|peer)([[:space:]]|$)' \\
    "refclock PHC $device poll 3 dpoll -2 offset 0"
if [ "$unit" = chronyd ] && [ -d "$root/etc/sysconfig" ]; then
    only "$root{NETWORK_PATH}" '^[[:space:]]*PEERNTP[[:space:]]*=' 'PEERNTP=no'
fi
if [ "$changed" = yes ]; then
    [ -n "$root" ] || systemctl stop "$unit"
    rm -f "$root$drift"
fi
[ -n "$root" ] || systemctl enable "$unit"
"""


def guest_script(*, has_balloon_block: bool, has_clock: bool) -> str:
    """The script's text."""
    parts = [_HEAD, _BLOCK if has_balloon_block else "", _CLOCK if has_clock else ""]
    return "".join(parts)
