# SPDX-License-Identifier: Apache-2.0
"""The boot loader tools of a simulated host: what each makes of the host's files, by its documentation.

- grub-mkconfig(8), and update-grub(8) which calls it: sources /etc/default/grub and then
  /etc/default/grub.d/*.cfg, and writes the menu anew. Recovery entries do without
  GRUB_CMDLINE_LINUX_DEFAULT; the script that makes the entries of Linux is 10_linux.
- grubby(8): edits the options of every entry, and GRUB_CMDLINE_LINUX of /etc/default/grub with it.
- rpm-ostree(1): the newest deployment's entry has the changed options. A real one makes a new deployment.
- kernel-install(8): makes the entry of one kernel from /etc/kernel/cmdline.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kernel_args import (
    GRUB_DEFAULTS,
    GRUB_FOLDER,
    KERNEL_CMDLINE,
    entry_lines,
    entry_paths,
    is_grub_of_linux,
    is_recovery,
)
from kvmrt_plan.values.boot_tokens import split_tokens, tokens_with, tokens_without

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.hosts.simulated.texts import Texts

_ASSIGNED = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(\w+)=(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#]*))""", re.MULTILINE
)
_OPTIONS = re.compile(r"^(options[ \t]+)(.*)$", re.MULTILINE)
_LINUX = re.compile(r'^(GRUB_CMDLINE_LINUX=")([^"\n]*)(")', re.MULTILINE)


def update_boot(
    texts: Texts, loader: str, *, added: tuple[str, ...], removed: tuple[str, ...]
) -> None:
    """As the loader's tool does it.

    Raises:
        WriteRefusedError: the tool fails.
    """
    if loader in ("grub-drop-in", "grub-defaults"):
        _make_menu(texts, "grub" if loader == "grub-drop-in" else "grub2")
    elif loader == "kernel-install":
        _edit(texts, [KERNEL_CMDLINE] * (KERNEL_CMDLINE in texts.files), added, removed)
        _make_entry(texts)
    elif loader == "rpm-ostree":
        newest = max(entry_paths(texts.files), key=lambda path: _number(texts.files[path]))
        _edit(texts, [newest], added, removed)
    else:
        _edit(texts, [*entry_paths(texts.files), GRUB_DEFAULTS], added, removed)


def grub_settings(files: Mapping[str, str]) -> dict[str, str]:
    """What the shell makes of GRUB's settings: plain assignments with variables in them."""
    found: dict[str, str] = {}
    drop_ins = sorted(
        path for path in files if path.startswith(f"{GRUB_FOLDER}/") and path.endswith(".cfg")
    )
    for path in (GRUB_DEFAULTS, *drop_ins):
        for name, double, single, plain in _ASSIGNED.findall(files.get(path, "")):
            expanded = re.sub(r"\$\{?(\w+)\}?", lambda one: found.get(one[1], ""), double or plain)
            found[name] = single or expanded
    return found


def _make_menu(texts: Texts, folder: str) -> None:
    path = f"/boot/{folder}/grub.cfg"
    if path not in texts.files:
        raise WriteRefusedError("boot/arguments", f"{path}: No such file or directory")
    settings = grub_settings(texts.files)
    always = settings.get("GRUB_CMDLINE_LINUX", "")
    default = settings.get("GRUB_CMDLINE_LINUX_DEFAULT", "")
    lines, is_linux = [], True
    for line in texts.files[path].splitlines():
        if line.startswith("### BEGIN "):
            is_linux = "_linux" in line
        is_ours = is_linux and is_grub_of_linux(line)
        lines.append(_menu_line(line, always, default) if is_ours else line)
    texts.change(files={path: "\n".join([*lines, ""])})


def _menu_line(line: str, always: str, default: str) -> str:
    """A line of 10_linux: the kernel, root=... and ro come from the script itself."""
    words = " ".join(("single", always) if is_recovery(line) else (always, default)).split()
    return "\t" + " ".join((*line.split()[:4], *words))


def _edit(texts: Texts, paths: list[str], added: tuple[str, ...], removed: tuple[str, ...]) -> None:
    """Tokens of several files, in one change."""

    def edited(line: str) -> str:
        return tokens_with(tokens_without(line, removed), added)

    changed: dict[str, str | None] = {}
    for path in paths:
        text = texts.files.get(path, "")
        if path == KERNEL_CMDLINE:
            changed[path] = edited(text.rstrip("\n")) + "\n"
        elif path == GRUB_DEFAULTS:
            changed[path] = _LINUX.sub(lambda one: one[1] + edited(one[2]) + one[3], text)
        else:
            changed[path] = _OPTIONS.sub(lambda one: one[1] + edited(one[2]), text)
    texts.change(files={path: text for path, text in changed.items() if path in texts.files})


def _make_entry(texts: Texts) -> None:
    release = texts.files.get("/proc/sys/kernel/osrelease", "").strip()
    options = " ".join(split_tokens(texts.files.get(KERNEL_CMDLINE, "")))
    made: dict[str, str | None] = {
        path: _OPTIONS.sub(lambda one: one[1] + options, texts.files[path])
        for path in entry_paths(texts.files)
        if release in path
    }
    if made:
        texts.change(files=made)


def _number(text: str) -> int:
    version = entry_lines(text).get("version", "")
    return int(version) if version.isdecimal() else 0
