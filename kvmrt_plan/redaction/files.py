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
_GRUB = re.compile(r"^(\s*GRUB_CMDLINE_LINUX\w*=)(.*)$", re.MULTILINE)
_BOOT_ENTRY = re.compile(r"^(linux|options|initrd)(\s+)(.*)$", re.MULTILINE)


class FileRedaction:
    """Redacts the texts of one host."""

    def __init__(self, tally: Tally, *, host: str, uuids: Collection[str]) -> None:
        self._tally = tally
        self._host = host
        #: Those of the domains: a configuration names them.
        self._uuids = uuids

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
        for pattern, name in _RULES:
            if pattern.match(path):
                rule: Callable[[str], str] = getattr(self, name)
                return rule
        return None

    def _host_name(self, text: str) -> str:
        self._tally.add("host-names", int(text.strip() != HOST))
        return f"{HOST}\n"

    def _arguments(self, text: str) -> str:
        return redact_arguments(text, self._tally)

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

    def _words(self, text: str) -> str:
        return self._scrubbed(text)

    def _own(self, text: str) -> str:
        """What kvmrt wrote itself has nothing private but UUIDs."""
        return text

    def _grub(self, text: str) -> str:
        def replace(found: re.Match[str]) -> str:
            value = found[2].strip()
            quote = value[:1] if value[:1] in {'"', "'"} else ""
            inner = value.removeprefix(quote).removesuffix(quote) if quote else value
            return f"{found[1]}{quote}{redact_arguments(inner, self._tally)}{quote}"

        lines = (line for line in text.splitlines(keepends=True) if _GRUB.match(line))
        return _GRUB.sub(replace, "".join(lines))

    def _boot_entry(self, text: str) -> str:
        def replace(found: re.Match[str]) -> str:
            key, blanks, value = found.groups()
            left = redact_arguments(value, self._tally) if key == "options" else value
            return f"{key}{blanks}{left}"

        lines = (line for line in text.splitlines(keepends=True) if _BOOT_ENTRY.match(line))
        return _BOOT_ENTRY.sub(replace, "".join(lines))

    def _lines(self, text: str, change: Callable[[str], str]) -> str:
        left = "".join(change(line) for line in text.splitlines(keepends=True))
        return self._changed(text, left, "paths")

    def _changed(self, before: str, after: str, kind: str) -> str:
        self._tally.add(kind, int(before != after))
        return after

    def _scrubbed(self, text: str) -> str:
        return scrub_written(text, self._tally, self._host)


#: The first that fits holds.
_RULES = tuple(
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
        (r"/boot/config-", "_own"),
        (r"/boot/loader/entries/", "_boot_entry"),
        (r"/etc/(?:default|sysconfig|conf\.d)/irqbalance\Z|/etc/sysconfig/shield\Z", "_settings"),
        (r"/etc/tuned/active_profile\Z", "_words"),
        (r"/etc/systemd/system/kvmrt\.service\Z", "_words"),
    )
)
