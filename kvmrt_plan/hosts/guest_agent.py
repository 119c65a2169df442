# SPDX-License-Identifier: Apache-2.0
"""A guest's inside through its agent (https://qemu.readthedocs.io/en/latest/interop/qemu-ga-ref.html).

The programs that are run in a guest stand here, whole; a plan supplies nothing but the content of the
files that it may write. They need no more than a POSIX shell with base64 and stat, as busybox has them.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.guest import (
    BLOCK_PATH,
    BLOCKED,
    CHRONY,
    DISABLED,
    ENABLED,
    NOT_BLOCKED,
    PATHS,
    RUNNING,
    STOPPED,
)
from kvmrt_plan.values.filevalue import parse_file

if TYPE_CHECKING:
    from collections.abc import Callable

#: An initramfs takes minutes on a slow guest.
_SECONDS = 900.0
_POLL_SECONDS = 0.2
_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH; LC_ALL=C; export LC_ALL\n"
_GATHER = (
    _PATH
    + f"""\
[ -r /etc/os-release ] && (. /etc/os-release; echo "os $ID $ID_LIKE")
release=$(uname -r)
echo "kernel $release"
made=none
if command -v lsinitramfs && command -v update-initramfs; then
    made=without
    lsinitramfs "/boot/initrd.img-$release" | grep -q '{BLOCK_PATH[1:]}$' && made=with
elif command -v lsinitrd && command -v dracut; then
    made=without
    lsinitrd "/boot/initramfs-$release.img" | grep -q '{BLOCK_PATH[1:]}$' && made=with
fi >/dev/null 2>&1
echo "initramfs $made"
if cat /etc/modprobe.d/*.conf 2>/dev/null |
    grep -Eq '^[[:space:]]*(blacklist|install)[[:space:]]+virtio[_-]balloon'
then echo "blocked yes"; else echo "blocked no"; fi
for clock in /sys/class/ptp/ptp*; do
    [ -r "$clock/clock_name" ] && echo "ptp ${{clock##*/ptp}} $(cat "$clock/clock_name")"
done
for unit in {" ".join(CHRONY)}; do
    command -v systemctl >/dev/null || continue
    path=$(systemctl show -P FragmentPath "$unit.service" 2>/dev/null)
    # Debian knows chrony.service also as chronyd.service, as an alias.
    [ "${{path##*/}}" = "$unit.service" ] || continue
    is=disabled; systemctl -q is-enabled "$unit" 2>/dev/null && is=enabled
    does=stopped; systemctl -q is-active "$unit" && does=running
    echo "unit $unit $is $does"
done
for file in {" ".join(PATHS)}; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    echo "file $file $(stat -c '%a %u:%g' "$file") $(base64 <"$file" | tr -d '\\n')"
done
exit 0
"""
)
_REPLACE = (
    _PATH
    + """\
set -e
mkdir -p "${1%/*}"
umask 077
trap 'rm -f "$1.kvmrt"' EXIT
cat >"$1.kvmrt"
chown "$3" "$1.kvmrt"
chmod "$2" "$1.kvmrt"
mv -f "$1.kvmrt" "$1"
sync
"""
)
_REMOVE = _PATH + 'rm -f "$1" && sync\n'
_REBUILD = """\
if command -v update-initramfs >/dev/null; then update-initramfs -u -k all
elif command -v dracut >/dev/null; then dracut --force --regenerate-all
fi
sync
"""
_BLOCK = (
    _PATH
    + f"""\
set -e
mkdir -p {BLOCK_PATH.rpartition("/")[0]}
umask 022
printf '%s\\n' 'blacklist virtio_balloon' 'install virtio_balloon /bin/false' >{BLOCK_PATH}.new
mv -f {BLOCK_PATH}.new {BLOCK_PATH}
{_REBUILD}"""
)
_UNBLOCK = (
    _PATH
    + f"""\
set -e
rm -f {BLOCK_PATH}
{_REBUILD}"""
)

#: What brings a setting of the guest to a value.
_SETTINGS = {
    ("module/virtio_balloon", BLOCKED): _BLOCK,
    ("module/virtio_balloon", NOT_BLOCKED): _UNBLOCK,
    **{
        (f"{what}/{unit}", value): _PATH + f"systemctl {verb} {unit}.service\n"
        for unit in CHRONY
        for what, value, verb in (
            ("unit", ENABLED, "enable"),
            ("unit", DISABLED, "disable"),
            ("running", RUNNING, "start"),
            ("running", STOPPED, "stop"),
        )
    },
}


class GuestAgent:
    """One guest; `ask` sends the agent a command as JSON and returns its answer."""

    def __init__(self, name: str, ask: Callable[[str], str]) -> None:
        self._name = name
        self._ask = ask

    def facts(self) -> str:
        """The text that `facts/guest.py` parses.

        Raises:
            WriteRefusedError: the agent does not answer, or refuses to run programs.
        """
        return self._run(_GATHER)

    def replace_file(self, path: str, value: str | None) -> None:
        """The file is the one described, or gone (None).

        Raises:
            WriteRefusedError: as `facts`, or the guest refuses.
        """
        if path not in PATHS:
            raise WriteRefusedError(path, "is no file that kvmrt writes in a guest")
        if value is None:
            self._run(_REMOVE, path)
            return
        file = parse_file(value)
        content = file.content.encode("utf-8", "surrogateescape")
        self._run(_REPLACE, path, f"{file.mode:04o}", f"{file.uid}:{file.gid}", stdin=content)

    def set(self, setting: str, value: str) -> None:
        """Bring a setting to a value.

        Raises:
            WriteRefusedError: as `replace_file`.
        """
        script = _SETTINGS.get((setting, value))
        if script is None:
            raise WriteRefusedError(self._name, f"{setting} cannot be set to {value!r}")
        self._run(script)

    def _run(self, script: str, *words: str, stdin: bytes = b"") -> str:
        started = self._command(
            "guest-exec",
            {
                "path": "/bin/sh",
                "arg": ["-c", script, "kvmrt", *words],
                "input-data": base64.b64encode(stdin).decode("ascii"),
                "capture-output": True,
            },
        )
        deadline = time.monotonic() + _SECONDS
        while True:
            ended = self._command("guest-exec-status", {"pid": started["pid"]})
            if ended.get("exited"):
                return self._output(ended)
            if time.monotonic() > deadline:
                raise WriteRefusedError(self._name, f"a program did not end within {_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)

    def _output(self, ended: dict[str, Any]) -> str:
        out, err = (
            base64.b64decode(ended.get(key, "")).decode("utf-8", "surrogateescape")
            for key in ("out-data", "err-data")
        )
        status = ended.get("exitcode", ended.get("signal"))
        if status != 0:
            last = (err.strip() or out.strip() or "it said nothing").splitlines()[-1]
            raise WriteRefusedError(self._name, f"a program ended with {status}: {last[:200]}")
        return out

    def _command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = self._ask(json.dumps({"execute": name, "arguments": arguments}))
        try:
            found = json.loads(answer)["return"]
        except (ValueError, KeyError, TypeError) as error:
            raise WriteRefusedError(self._name, f"its agent answered {answer[:80]!r}") from error
        if not isinstance(found, dict):
            raise WriteRefusedError(self._name, f"its agent answered {answer[:80]!r}")
        return found
