# SPDX-License-Identifier: Apache-2.0
"""Parameters of KVM's modules: what runs, what kvmrt has written for the next load, what others have.

/etc/modprobe.d/kvmrt.conf is kvmrt's own file (modprobe.d(5)):

    options kvm halt_poll_ns=0 kvmclock_periodic_sync=0
    options kvm_intel ple_gap=0
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kvmrt_plan.facts.snapshot import Snapshot

OWN_FILE = "/etc/modprobe.d/kvmrt.conf"
_FOLDER = "/etc/modprobe.d"
#: The parameters that kvmrt writes, with their modules.
PARAMETERS = {
    "kvmclock_periodic_sync": "kvm",
    "nx_huge_pages": "kvm",
    "halt_poll_ns": "kvm",
    "ple_gap": "kvm_intel",
    "pause_filter_count": "kvm_amd",
}
_HEAD = (
    "# Parameters of KVM that kvmrt asks for; `kvmrt apply` writes them, edits are overwritten.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KvmParameters:
    """By `module.parameter`; values are words."""

    #: Only of modules that are loaded.
    running: Mapping[str, str] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    #: `module.parameter=value` of other files, with the file.
    foreign: tuple[tuple[str, str], ...] = ()


def parse_kvm(snapshot: Snapshot) -> KvmParameters:
    """The parameters of a snapshot's host."""
    running = {}
    for name, module in PARAMETERS.items():
        word = read_word(snapshot, f"/sys/module/{module}/parameters/{name}")
        if word is not None:
            running[f"{module}.{name}"] = word
    names = snapshot.entries(_FOLDER)
    paths = sorted(f"{_FOLDER}/{name}" for name in names if name.endswith(".conf"))
    return KvmParameters(
        running=running,
        own=own_options(snapshot.files.get(OWN_FILE)),
        foreign=tuple(
            (option, path)
            for path in paths
            if path != OWN_FILE
            for option in _options(snapshot.files.get(path, ""))
        ),
    )


def own_options(text: str | None) -> tuple[str, ...]:
    """The options of kvmrt's file, in its order."""
    return tuple(_options(text or ""))


def options_text(options: Iterable[str]) -> str | None:
    """The file with these options, a line for each module; None: there is to be none."""
    by_module: dict[str, list[str]] = {}
    for option in options:
        module, _, setting = option.partition(".")
        by_module.setdefault(module, []).append(setting)
    lines = [f"options {module} {' '.join(found)}\n" for module, found in by_module.items()]
    return _HEAD + "".join(lines) if lines else None


def _options(text: str) -> Iterator[str]:
    for line in text.splitlines():
        words = line.split()
        if len(words) > 2 and words[0] == "options":
            for setting in words[2:]:
                option = f"{words[1].replace('-', '_')}.{setting}"
                name = setting.partition("=")[0]
                if PARAMETERS.get(name) == words[1].replace("-", "_"):
                    yield option
