# SPDX-License-Identifier: Apache-2.0
"""Boot arguments: which boot loader there is, what it will give the kernel, and which of that is kvmrt's.

Three truths: the *running* kernel's command line, what the boot loader is *configured* for, and what kvmrt
has asked for (*own*). The own tokens stand where the loader's tool reads them, or, where such a file would be
passed on as it is, in a record beside it:

    grub-drop-in    /etc/default/grub.d/60-kvmrt.cfg, sourced by grub-mkconfig (Debian, Ubuntu)
    grub-defaults   two lines at the end of /etc/default/grub (SUSE and others with /boot/grub2)
    grubby          record; entries of /boot/loader/entries, edited by grubby(8) (RHEL, Fedora, RedHawk 8)
    rpm-ostree      record; `rpm-ostree kargs` (Fedora CoreOS, RHEL for Edge)
    kernel-install  record; /etc/kernel/cmdline and kernel-install(8) (systemd-boot, unified kernels)

A line of own tokens in GRUB's settings looks like this:

    GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT nohz_full=2-3 rcu_nocbs=2-3"  # kvmrt

It is the DEFAULT variable so that the menu's recovery entries boot without them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.values.boot_tokens import split_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.facts.snapshot import Snapshot

GRUB_DEFAULTS = "/etc/default/grub"
GRUB_FOLDER = "/etc/default/grub.d"
DROP_IN = f"{GRUB_FOLDER}/60-kvmrt.cfg"
KERNEL_CMDLINE = "/etc/kernel/cmdline"
RECORD = "/etc/kernel/kvmrt.arguments"
ENTRIES = "/boot/loader/entries"
GRUBENVS = ("/boot/grub2/grubenv", "/boot/grub/grubenv")
TUNED = "/etc/tuned/bootcmdline"

_OWN_LINE = re.compile(
    r'^GRUB_CMDLINE_LINUX_DEFAULT="\$GRUB_CMDLINE_LINUX_DEFAULT ([^"\n]*)"  # kvmrt$', re.MULTILINE
)
_SETTING = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(GRUB_CMDLINE_LINUX(?:_DEFAULT)?)=("[^"\n]*"|'[^'\n]*'|[^\s#]*)""",
    re.MULTILINE,
)
_HEAD = "# Boot arguments that kvmrt asks for; `kvmrt apply` writes them, edits are overwritten.\n"
#: Behind a file whose last line had no end: the line break is ours, too.
_HEAD_BEHIND_OPEN_LINE = f"\n{_HEAD[:-1]} The line above had no end.\n"
_HEADS = (_HEAD_BEHIND_OPEN_LINE, _HEAD)


class Loader(StrEnum):
    """How a host's boot arguments are written."""

    GRUB_DROP_IN = "grub-drop-in"
    GRUB_DEFAULTS = "grub-defaults"
    GRUBBY = "grubby"
    RPM_OSTREE = "rpm-ostree"
    KERNEL_INSTALL = "kernel-install"


#: Where each loader's own tokens stand.
SOURCES = {
    Loader.GRUB_DROP_IN: DROP_IN,
    Loader.GRUB_DEFAULTS: GRUB_DEFAULTS,
    Loader.GRUBBY: RECORD,
    Loader.RPM_OSTREE: RECORD,
    Loader.KERNEL_INSTALL: RECORD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BootArguments:
    """The boot arguments of a host."""

    #: None: no boot loader that is known.
    loader: Loader | None
    running: tuple[str, ...]
    own: tuple[str, ...] = ()
    #: What the loader gives the kernel at the next boot; None: it cannot be read.
    configured: tuple[str, ...] | None = None
    #: Tokens that others have written, with the file: settings, drop-ins, TuneD's.
    foreign: tuple[tuple[str, str], ...] = ()


NO_LOADER = BootArguments(loader=None, running=())


def parse_boot(snapshot: Snapshot) -> BootArguments:
    """The boot arguments of a snapshot's host."""
    files = boot_files(snapshot.files, snapshot.links)
    loader = detect_loader(files)
    running = split_tokens(snapshot.files.get("/proc/cmdline", ""))
    if loader is None:
        return BootArguments(loader=None, running=running)
    own = own_tokens(loader, files.get(SOURCES[loader]))
    release = snapshot.files.get("/proc/sys/kernel/osrelease", "").strip()
    return BootArguments(
        loader=loader,
        running=running,
        own=own,
        configured=configured_tokens(loader, files, release),
        foreign=tuple(_foreign(loader, files, own)),
    )


def boot_files(files: Mapping[str, str], links: Mapping[str, str]) -> dict[str, str]:
    """The texts and folders (with a slash at their end) that matter here."""
    beginnings = (
        "/boot/", GRUB_DEFAULTS, "/etc/kernel/", TUNED, "/run/ostree-booted",
    )  # fmt: skip
    found = {path: text for path, text in files.items() if path.startswith(beginnings)}
    found.update({f"{path}/": "" for path in links if path.startswith(("/boot/", GRUB_FOLDER))})
    return found


def detect_loader(files: Mapping[str, str]) -> Loader | None:
    """By the files that each loader has; the more specific one wins."""
    has_entries = any(_is_entry(path) for path in files)
    if "/run/ostree-booted" in files:
        return Loader.RPM_OSTREE
    if GRUB_DEFAULTS in files:
        if has_entries and _enables_entries(files[GRUB_DEFAULTS]):
            return Loader.GRUBBY
        if "/boot/grub2/" in files:
            return Loader.GRUB_DEFAULTS
        return Loader.GRUB_DROP_IN if "/boot/grub/" in files else None
    return Loader.KERNEL_INSTALL if has_entries or KERNEL_CMDLINE in files else None


def own_tokens(loader: Loader, text: str | None) -> tuple[str, ...]:
    """The tokens of kvmrt in the text of the loader's source."""
    if text is None:
        return ()
    if SOURCES[loader] == RECORD:
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return split_tokens(" ".join(lines))
    return split_tokens(" ".join(_OWN_LINE.findall(text)))


def source_text(loader: Loader, text: str | None, tokens: tuple[str, ...]) -> str | None:
    """The text of the loader's source with these own tokens; None: there is to be no file."""
    line = " ".join(tokens)
    setting = f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {line}"  # kvmrt\n'
    if loader is not Loader.GRUB_DEFAULTS:
        body = f"{line}\n" if SOURCES[loader] == RECORD else setting
        return _HEAD + body if tokens else None
    kept = text or ""
    found = _OWN_LINE.search(kept)
    if found is None:
        # A last line without an end gets one, which is taken back with ours.
        head = _HEAD_BEHIND_OPEN_LINE if kept and not kept.endswith("\n") else _HEAD
        return kept + head + setting if tokens else text
    start = found.start()
    rest = kept[found.end() :].removeprefix("\n")
    if tokens:
        return kept[:start] + setting + rest
    head = next((one for one in _HEADS if kept[:start].endswith(one)), "")
    return kept[: start - len(head)] + rest


def configured_tokens(
    loader: Loader, files: Mapping[str, str], release: str
) -> tuple[str, ...] | None:
    """What the kernel will be given; of several menu entries what all of them have."""
    lines = configured_lines(loader, files, release)
    if not lines:
        return None
    return tuple(one for one in lines[0] if all(one in line for line in lines[1:]))


def configured_lines(
    loader: Loader, files: Mapping[str, str], release: str
) -> list[tuple[str, ...]]:
    """The arguments in each place that the loader's tool writes; empty when none can be read."""
    if loader in (Loader.GRUB_DROP_IN, Loader.GRUB_DEFAULTS):
        folder = "grub" if loader is Loader.GRUB_DROP_IN else "grub2"
        return list(_menu_lines(files.get(f"/boot/{folder}/grub.cfg", "")))
    lines = _entry_options(loader, files, release)
    if loader is Loader.KERNEL_INSTALL and KERNEL_CMDLINE in files:
        # Entries are made from it; a unified kernel's arguments stand in its image alone.
        lines.append(split_tokens(files[KERNEL_CMDLINE]))
    return lines


def entry_paths(files: Mapping[str, str]) -> list[str]:
    """The boot loader's entries, without those for rescue."""
    return sorted(path for path in files if _is_entry(path) and "-0-rescue" not in path)


def entry_lines(text: str) -> dict[str, str]:
    """An entry's lines by key (the Boot Loader Specification): `options root=... ro`."""
    pairs = (line.strip().partition(" ") for line in text.splitlines())
    return {key: rest.strip() for key, _, rest in pairs if key and not key.startswith("#")}


def is_grub_of_linux(line: str) -> bool:
    """Whether a line of grub.cfg loads a kernel."""
    word = line.split(None, 1)[:1]
    return word in (["linux"], ["linux16"], ["linuxefi"])


def is_recovery(line: str) -> bool:
    """Whether the kernel is started for repairs: without GRUB_CMDLINE_LINUX_DEFAULT."""
    return bool({"single", "recovery"} & set(line.split()))


def _is_entry(path: str) -> bool:
    return path.startswith(f"{ENTRIES}/") and path.endswith(".conf")


def _enables_entries(defaults: str) -> bool:
    matched = re.search(r"^\s*GRUB_ENABLE_BLSCFG=[\"']?(\w+)", defaults, re.MULTILINE)
    return matched is not None and matched[1] == "true"


def _menu_lines(menu: str) -> Iterator[tuple[str, ...]]:
    """The arguments of the menu's kernels; those of other systems (30_os-prober) are not ours."""
    is_linux = True
    for line in menu.splitlines():
        if line.startswith("### BEGIN "):
            is_linux = "_linux" in line
        elif is_linux and is_grub_of_linux(line) and not is_recovery(line):
            yield split_tokens(line)[2:]


def _entry_options(loader: Loader, files: Mapping[str, str], release: str) -> list[tuple[str, ...]]:
    paths = entry_paths(files)
    if loader is Loader.RPM_OSTREE:
        # The newest deployment boots; the others are there to go back to.
        paths = sorted(paths, key=lambda path: _version(files[path]))[-1:]
    elif loader is Loader.KERNEL_INSTALL:
        running = [path for path in paths if release and release in path]
        paths = running or paths
    environment = _environment(files)
    return [
        split_tokens(_expanded(entry_lines(files[path]).get("options", ""), environment))
        for path in paths
    ]


def _version(text: str) -> tuple[int, str]:
    version = entry_lines(text).get("version", "")
    return (int(version), "") if version.isdecimal() else (0, version)


def _environment(files: Mapping[str, str]) -> dict[str, str]:
    text = next((files[path] for path in GRUBENVS if path in files), "")
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {key: value for key, equals, value in pairs if equals}


def _expanded(options: str, environment: Mapping[str, str]) -> str:
    """`$kernelopts` and `$tuned_params` stand in GRUB's environment block."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: environment.get(found[1], ""), options)


def _foreign(
    loader: Loader, files: Mapping[str, str], own: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Every place where somebody else has written a token."""
    for path, text in files.items():
        if path.startswith(GRUB_DEFAULTS) and loader is not Loader.KERNEL_INSTALL:
            ours = _OWN_LINE.sub("", text)
            for _, quoted in _SETTING.findall(ours):
                yield from _placed(path, quoted.strip("\"'"), own)
        elif path == TUNED:
            for line in text.splitlines():
                key, _, value = line.partition("=")
                if key.strip() == "TUNED_BOOT_CMDLINE":
                    yield from _placed(path, value.strip().strip("\"'"), ())
        elif path == KERNEL_CMDLINE:
            yield from _placed(path, text, own)
    environment = _environment(files)
    for path in entry_paths(files):
        options = entry_lines(files[path]).get("options", "")
        yield from _placed(path, _expanded(options, environment), own)


def _placed(path: str, line: str, own: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for token in split_tokens(line):
        if token not in own and "$" not in token:
            yield token, path
