# SPDX-License-Identifier: Apache-2.0
"""`kvmrt import --from-...`: VMs out of other projects' files."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.cli.importing import (
    configuration_in,
    default_path,
    exists,
    show_difference,
    write_changed,
)
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.conversions.into_file import add_converted
from kvmrt_plan.conversions.source import MAX_SOURCE_BYTES
from kvmrt_plan.desired.decode import decode_text
from kvmrt_plan.desired.load import MAX_CONFIGURATION_BYTES
from kvmrt_plan.desired.problems import Problems
from kvmrt_plan.errors import DesiredStateError, UsageError
from kvmrt_plan.hosts.files import read_document
from kvmrt_plan.values.document import dump_document
from kvmrt_plan.views.conversion import conversion_document, conversion_lines
from kvmrt_plan.views.terminal import Painter

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.conversions.converted import Converted


def convert_into(arguments: argparse.Namespace) -> int:
    """Add the VMs of the source to the file that -f names, and list what they do not say.

    Raises:
        DesiredStateError: the source or the file has errors; all of them are told, nothing is written.
        UsageError: the options do not go together.
    """
    if arguments.update or arguments.host or arguments.root or arguments.connect:
        raise UsageError(
            "-u, --host, --root and --connect do not go with --from-...",
            "import first, then change the file with `kvmrt edit`",
        )
    converted = _chosen(_converted(arguments), arguments.vms)
    path = arguments.file or default_path()
    content = read_document(path, limit_bytes=MAX_CONFIGURATION_BYTES) if exists(path) else None
    text = "" if content is None else content.decode()
    done = add_converted(text, configuration_in(content, path), converted)
    if arguments.dry_run and not arguments.json:
        show_difference(text, done.text, path)
    elif done.text != text and not arguments.dry_run:
        write_changed(path, content, done.text)
    if arguments.json:
        sys.stdout.write(dump_document(conversion_document(done, converted, file=path)))
        return 0
    lines = conversion_lines(
        done,
        converted,
        file=path,
        width=width_of(sys.stdout),
        painter=Painter(is_coloured=wants_colour(sys.stdout)),
    )
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _converted(arguments: argparse.Namespace) -> Converted:
    """What the source says.

    Raises:
        DesiredStateError: it has errors.
    """
    file = arguments.from_nova_flavor or arguments.from_kubevirt or arguments.from_seapath
    problems = Problems(file)
    text = decode_text(read_document(file, limit_bytes=MAX_SOURCE_BYTES), problems)
    if text is None or problems:
        raise DesiredStateError(problems.findings())
    # Each branch loads one reader.
    if arguments.from_nova_flavor:
        from kvmrt_plan.conversions.nova import convert_flavor as convert
    elif arguments.from_kubevirt:
        from kvmrt_plan.conversions.kubevirt import convert_kubevirt as convert
    else:
        from kvmrt_plan.conversions.seapath import convert_seapath as convert
    converted = convert(text, file=file)
    if converted.findings:
        raise DesiredStateError(converted.findings)
    return converted


def _chosen(converted: Converted, names: list[str]) -> Converted:
    """Only the VMs of these names, or all.

    Raises:
        UsageError: a name is no VM's.
    """
    if not names:
        return converted
    known = [vm.name for vm in converted.vms]
    missing = [name for name in names if name not in known]
    if missing:
        raise UsageError(
            f"{converted.file} has no VM named {', '.join(missing)}", f"it has: {', '.join(known)}"
        )
    return replace(
        converted,
        vms=tuple(vm for vm in converted.vms if vm.name in names),
        left_out=tuple(one for one in converted.left_out if one.vm in {"", *names}),
    )
