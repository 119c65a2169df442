# SPDX-License-Identifier: Apache-2.0
"""The captured files that may hold something private, and what is left of each.

Texts of /proc and /sys are numbers, masks and names of drivers; what people, installers and programs write
is not. A file below /etc, /boot or /run that has no rule here is emptied: better a plan that lacks something,
and a test that says so, than a password in a repository.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.redaction.arguments import redact_arguments
from kvmrt_plan.redaction.words import HOST, REDACTED, scrub, scrub_written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kvmrt_plan.redaction.words import Tally

_WRITTEN = ("/etc/", "/boot/", "/run/", "/usr/", "/var/", "/home/", "/root/")
#: (who@where) that built the kernel, init/version.c.
_BUILDER = re.compile(r"\([^()\s]+@[^()\s]+\)")
_STATUS_LINES = re.compile(r"(?:Uid|Gid|Groups|NSpid|NSpgid|NStgid|NSsid):")
_GRUB = re.compile(
    r"""^(\s*(?:export\s+)?GRUB_CMDLINE_LINUX\w*=)("[^"\n]*"|'[^'\n]*'|[^\s#]*)(  # kvmrt)?.*$"""
)
_GRUB_KEPT = re.compile(r"\s*GRUB_ENABLE_BLSCFG=|# Boot arguments that kvmrt asks for")
#: A line of grub.cfg, of the environment of the boot loader, of an entry: what comes before the arguments.
_MENU = re.compile(r"^(\s*linux(?:16|efi)?\s+\S+)(.*)$")
_MENU_KEPT = re.compile(r"### BEGIN ")
_VARIABLE = re.compile(r"""^((?:kernelopts|tuned_params|TUNED_BOOT_CMDLINE)=["']?)(.*?)(["']?)$""")
_ENTRY = re.compile(r"^(options\s+)(.*)$")
#: modprobe.d(5): options of other modules may hold keys.
_KVM_OPTIONS = re.compile(r"options\s+kvm(?:[_-](?:intel|amd))?\s")
_NOTHING = re.compile(r"(?!)")
_ENTRY_KEPT = re.compile(r"(?:linux|initrd|version)\s")


class FileRedaction:
    """Redacts the texts of one host."""

    def __init__(
        self, tally: Tally, *, host: str, uuids: Collection[str], tokens: Collection[str] = ()
    ) -> None:
        self._tally = tally
        self._host = host
        #: Those of the domains: a configuration names them.
        self._uuids = uuids
        #: Boot arguments that kvmrt has written: a configuration asks for them.
        self._tokens = tokens

    def text(self, path: str, text: str) -> str:
        """What is left of the text."""
        rule = self._rule(path)
        if rule is not None:
            text = rule(text)
        elif path.startswith(_WRITTEN):
            self._tally.add("files", int(bool(text)))
            return ""
        return scrub(text, self._tally, kept=self._uuids)

    def _rule(self, path: str) -> Callable[[str], str] | None:
        for pattern, name in RULES:
            if pattern.match(path):
                rule: Callable[[str], str] = getattr(self, name)
                return rule
        return None

    def _host_name(self, text: str) -> str:
        self._tally.add("host-names", int(text.strip() != HOST))
        return f"{HOST}\n"

    def _arguments(self, text: str) -> str:
        return redact_arguments(text, self._tally, self._tokens)

    def _version(self, text: str) -> str:
        text, count = _BUILDER.subn(f"({REDACTED})", text)
        self._tally.add("user-names", count)
        return text

    def _guest_command(self, text: str) -> str:
        """Of QEMU's arguments only the program, the guest's name and its UUID."""
        words = text.split("\0")
        kept = [words[0].rpartition("/")[2]]
        for option in ("-name", "-uuid"):
            if option in words[:-1]:
                kept += [option, words[words.index(option) + 1].partition(",")[0]]
        left = "\0".join([*kept, ""])
        self._tally.add("guest-arguments", int(left != text))
        return left

    def _status(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        kept = [line for line in lines if not _STATUS_LINES.match(line)]
        self._tally.add("user-names", int(len(kept) != len(lines)))
        return "".join(kept)

    def _first_word(self, text: str) -> str:
        """/proc/swaps: that there are swap areas counts, not where they lie."""
        return self._lines(text, lambda line: re.sub(r"^/\S+", f"/{REDACTED}", line))

    def _mount(self, text: str) -> str:
        """Where the kernel's own file systems are mounted, without who may use them."""
        return self._lines(text, lambda line: re.sub(r"\b([ug]id)=\d+", r"\1=0", line))

    def _settings(self, text: str) -> str:
        """Assignments without comments."""
        lines = (line for line in text.splitlines(keepends=True) if "=" in line.partition("#")[0])
        return self._changed(text, self._scrubbed("".join(lines)), "comments")

    def _sections(self, text: str) -> str:
        """Assignments and the heads of their sections."""
        lines = (
            line
            for line in text.splitlines(keepends=True)
            if line.startswith("[") or "=" in line.partition("#")[0]
        )
        return self._changed(text, self._scrubbed("".join(lines)), "comments")

    def _words(self, text: str) -> str:
        return self._scrubbed(text)

    def _own(self, text: str) -> str:
        """What kvmrt wrote itself has nothing private but UUIDs."""
        return text

    def _grub(self, text: str) -> str:
        return self._matching(text, _GRUB, _GRUB_KEPT)

    def _menu(self, text: str) -> str:
        return self._matching(text, _MENU, _MENU_KEPT)

    def _variables(self, text: str) -> str:
        return self._matching(text, _VARIABLE, None)

    def _boot_entry(self, text: str) -> str:
        return self._matching(text, _ENTRY, _ENTRY_KEPT)

    def _kvm_options(self, text: str) -> str:
        return self._matching(text, _NOTHING, _KVM_OPTIONS)

    def _matching(self, text: str, wanted: re.Pattern[str], kept: re.Pattern[str] | None) -> str:
        """The lines with arguments, redacted, and those that are kept as they are; no others."""
        found = []
        for line in text.splitlines():
            matched = wanted.match(line)
            if matched:
                before, value, *behind = matched.groups(default="")
                quote = value[:1] if value[:1] in {'"', "'"} else ""
                inner = value[1:-1] if quote else value
                found.append(f"{before}{quote}{self._arguments(inner)}{quote}{''.join(behind)}\n")
            elif kept is not None and kept.match(line):
                found.append(f"{line}\n")
        left = "".join(found)
        return self._changed(text, left if text.endswith("\n") else left.rstrip("\n"), "boot-files")

    def _lines(self, text: str, change: Callable[[str], str]) -> str:
        left = "".join(change(line) for line in text.splitlines(keepends=True))
        return self._changed(text, left, "paths")

    def _changed(self, before: str, after: str, kind: str) -> str:
        self._tally.add(kind, int(before != after))
        return after

    def _scrubbed(self, text: str) -> str:
        return scrub_written(text, self._tally, self._host)


#: The first that fits holds.
RULES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"/proc/sys/kernel/(?:hostname|domainname)\Z", "_host_name"),
        (r"/proc/cmdline\Z|/etc/kernel/cmdline\Z", "_arguments"),
        (r"/proc/version\Z", "_version"),
        (r"/proc/\d+/cmdline\Z", "_guest_command"),
        (r"/proc/(?:self|\d+)/(?:task/\d+/)?status\Z", "_status"),
        (r"/proc/swaps\Z", "_first_word"),
        (r"/proc/mounts\Z", "_mount"),
        (r"/run/kvmrt/", "_own"),
        (r"/etc/default/grub", "_grub"),
        (r"/boot/config-|/etc/kernel/kvmrt\.arguments\Z", "_own"),
        (r"/boot/grub2?/grub\.cfg\Z", "_menu"),
        (r"/boot/grub2?/grubenv\Z|/etc/tuned/bootcmdline\Z", "_variables"),
        (r"/boot/loader/entries/", "_boot_entry"),
        (r"/etc/modprobe\.d/", "_kvm_options"),
        (r"/etc/(?:dracut|mkinitcpio)\.conf", "_settings"),
        (r"/etc/initramfs-tools/modules\Z", "_words"),
        (r"/etc/(?:default|sysconfig|conf\.d)/irqbalance\Z|/etc/sysconfig/shield\Z", "_settings"),
        (r"/run/irqbalance/", "_own"),
        (r"/(?:etc|usr/lib|lib)/systemd/system/irqbalance\.service\Z", "_sections"),
        (r"/etc/tuned/.+(?:-variables|/tuned)\.conf\Z", "_sections"),
        (r"/etc/tuned/active_profile\Z", "_words"),
        (r"/etc/systemd/system/kvmrt\.service\Z", "_words"),
    )
)
