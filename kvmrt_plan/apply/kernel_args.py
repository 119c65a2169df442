# SPDX-License-Identifier: Apache-2.0
"""The own boot arguments: written where the boot loader's tool reads them, then the tool brings what the
loader gives the kernel in line.

The value of the step is what stands in the source (facts/kernel_args.py). A run that is killed between the
two leaves a source that is right and a loader that is not, so whoever takes a step back looks at the loader
as well, although the source shows the old value already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.kernel_args import (
    SOURCES,
    Loader,
    configured_lines,
    detect_loader,
    own_tokens,
    source_text,
)
from kvmrt_plan.values.boot_tokens import is_token, split_tokens
from kvmrt_plan.values.filevalue import FileValue, format_file, parse_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host


def read_boot(host: Host, step: Step) -> str | None:
    """The own tokens in the source; None when there are none.

    Raises:
        WriteRefusedError: no boot loader that is known.
    """
    subject_of(step.kind, step.address)
    loader = _loader(host, step)
    return " ".join(own_tokens(loader, _content(host, SOURCES[loader]))) or None


def write_boot(host: Host, step: Step) -> None:
    """Write the tokens of `new` and have the loader take them over.

    Raises:
        WriteRefusedError: a token is none that kvmrt writes, or the tool is missing or fails.
    """
    subject_of(step.kind, step.address)
    loader = _loader(host, step)
    tokens = split_tokens(step.new or "")
    for token in tokens:
        if not is_token(token):
            raise WriteRefusedError(step.address, f"{token!r} is no argument that kvmrt writes")
    path = SOURCES[loader]
    value = host.read_file(path)
    present = None if value is None else parse_file(value)
    text = source_text(loader, None if present is None else present.content, tokens)
    if text != (None if present is None else present.content):
        host.replace_file(path, None if text is None else _file(present, text))
    _align(host, loader, step)


def settle_boot(host: Host, unit: Sequence[Step]) -> None:
    """After a step was taken back: the loader must give the kernel what the source says.

    Raises:
        WriteRefusedError: the tool is missing or fails.
    """
    for step in unit:
        if step.kind is Kind.BOOT_ARGUMENTS and read_boot(host, step) == step.old:
            _align(host, _loader(host, step), step.reversed())


def _align(host: Host, loader: Loader, step: Step) -> None:
    """Run the loader's tool where the kernel would not be given exactly the new tokens of the step."""
    old, new = split_tokens(step.old or ""), split_tokens(step.new or "")
    gone = tuple(one for one in old if one not in new)
    if _is_aligned(host, loader, gone, new):
        return
    host.update_boot(str(loader), added=new, removed=gone)
    if not _is_aligned(host, loader, gone, new):
        raise WriteRefusedError(
            step.address, f"the boot loader ({loader}) does not show what its tool was to write"
        )


def _is_aligned(host: Host, loader: Loader, gone: tuple[str, ...], new: tuple[str, ...]) -> bool:
    files = host.boot_files()
    release = (host.read("/proc/sys/kernel/osrelease") or "").strip()
    lines = configured_lines(loader, files, release)
    # What a tool has written has to be seen: a loader that shows nothing is refused.
    return bool(lines or not (new or gone)) and all(
        all(one in line for one in new) and not any(one in line for one in gone) for line in lines
    )


def _loader(host: Host, step: Step) -> Loader:
    loader = detect_loader(host.boot_files())
    if loader is None:
        raise WriteRefusedError(step.address, "no boot loader that kvmrt knows is set up here")
    return loader


def _content(host: Host, path: str) -> str | None:
    value = host.read_file(path)
    return None if value is None else parse_file(value).content


def _file(present: FileValue | None, text: str) -> str:
    """With the mode and owner of the file there is; a new one is root's and may be read by all."""
    if present is None:
        return format_file(FileValue(mode=0o644, uid=0, gid=0, content=text))
    return format_file(FileValue(mode=present.mode, uid=present.uid, gid=present.gid, content=text))
