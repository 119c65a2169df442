# SPDX-License-Identifier: Apache-2.0
"""Values and whole VMs as YAML text that every reader of YAML 1.1 and 1.2 understands the same way.

One word stays plain when no reader takes it for something else, a text of several lines becomes a
literal block, everything else stands in double quotes, which JSON and YAML share.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING

from kvmrt_plan.desired.attribute import HOST_ATTRIBUTES, TEXT_ATTRIBUTES
from kvmrt_plan.desired.boot_attributes import BOOT_ATTRIBUTES, BOOT_LISTS
from kvmrt_plan.desired.boot_model import Iommu
from kvmrt_plan.desired.edit import values_to_write
from kvmrt_plan.desired.kthread_attributes import KTHREAD_ATTRIBUTES
from kvmrt_plan.desired.kvm_model import NxHugePages
from kvmrt_plan.desired.model import PROBE_SECONDS
from kvmrt_plan.desired.thread_scheduler import SCHEDULED
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kvmrt_plan.desired.boot_model import BootPolicy
    from kvmrt_plan.desired.kthread_model import KernelThreads
    from kvmrt_plan.desired.kvm_model import KvmPolicy
    from kvmrt_plan.desired.model import HostPolicy, Probe, VirtualMachine

INDENT = "  "
#: Of the host part; shield always stands there, so that the part is never empty.
_WRITTEN_FIRST = frozenset({"housekeeping", "shield"})

#: YAML 1.1 reads these as true, false and null.
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_.,;()/+-]*(?: [A-Za-z0-9_.,;()/+-]+)*\Z")
#: Texts that begin like a number are not worth a closer look.
_NUMBER_LIKE = re.compile(r"[0-9._]")


def yaml_key(name: str, *, quoted: bool = False) -> str:
    """A mapping's key."""
    if not quoted and _is_plain_text_word(name):
        return name
    return _quoted(name)


def yaml_value(attribute: str, text: str, *, in_flow: bool = False, quoted: bool = False) -> str:
    """The text of an attribute on one line; `quoted` as JSON has it, where every text has quotes."""
    if attribute in SCHEDULED:
        policy, priority = text.split(",")
        keys = [yaml_key(key, quoted=quoted) for key in ("policy", "priority")]
        word = _quoted(policy) if quoted else policy
        return f"{{{keys[0]}: {word}, {keys[1]}: {priority}}}"
    if attribute in TEXT_ATTRIBUTES or attribute == "uuid":
        plain = _is_plain_text_word(text) if in_flow else _is_plain_text(text)
        return text if plain and not quoted else _quoted(text)
    if text.isdigit() or text in {"true", "false"}:
        return text
    return text if _WORD.match(text) and not quoted else _quoted(text)


def literal_block(text: str, indent: str) -> tuple[str, list[str]] | None:
    """The indicator and the lines of a literal block; None for a text that needs quotes."""
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if "\n" not in text or any(
        line != line.strip() or (not line and place in (0, len(lines) - 1))
        for place, line in enumerate(lines)
    ):
        return None
    return "|" if text.endswith("\n") else "|-", [indent + line if line else "" for line in lines]


def attribute_lines(attribute: str, text: str, indent: str) -> list[str]:
    """The lines of an attribute in a block mapping."""
    block = literal_block(text, indent + INDENT) if attribute in TEXT_ATTRIBUTES else None
    if block:
        return [f"{indent}{attribute}: {block[0]}", *block[1]]
    return [f"{indent}{attribute}: {yaml_value(attribute, text)}"]


def vm_lines(vm: VirtualMachine, indent: str) -> list[str]:
    """A VM as an entry of the block mapping `vms`: its UUID and what differs from the defaults."""
    lines = [f"{indent}{yaml_key(vm.name)}:"]
    inner = indent + INDENT
    lines.append(f"{inner}uuid: {vm.uuid}")
    for name, text in _attributes(vm):
        lines += attribute_lines(name, text, inner)
    return lines


def vm_in_flow(vm: VirtualMachine, *, quoted: bool) -> str:
    """A VM as an entry of a mapping in braces."""
    parts = [f"{yaml_key('uuid', quoted=quoted)}: {yaml_value('uuid', str(vm.uuid), quoted=True)}"]
    parts += [
        f"{yaml_key(name, quoted=quoted)}: {yaml_value(name, text, in_flow=True, quoted=quoted)}"
        for name, text in _attributes(vm)
    ]
    return f"{yaml_key(vm.name, quoted=quoted)}: {{{', '.join(parts)}}}"


def host_lines(host: HostPolicy) -> list[str]:
    """The host part."""
    lines = ["host:"]
    if host.housekeeping is not None:
        lines.append(f"  housekeeping: {yaml_value('cpus', str(host.housekeeping))}")
    lines.append(f"  shield: {host.shield}")
    lines += [f"  {name}: {text}" for name, text in _noise(host)]
    if host.irqs:
        lines.append("  irqs:")
    for one in host.irqs:
        irq = yaml_key(one.irq) if isinstance(one.irq, str) else str(one.irq)
        lines.append(f"    - {{irq: {irq}, cpus: {yaml_value('cpus', str(one.cpus))}}}")
    if host.kernel_threads is not None:
        lines.append(f"  kernel_threads: {{{', '.join(_kthreads(host.kernel_threads))}}}")
    if host.kvm is not None:
        lines.append(f"  kvm: {{{', '.join(_kvm(host.kvm))}}}")
    if host.boot is not None:
        lines.append(f"  boot: {{{', '.join(_boot(host.boot))}}}")
    if host.probes:
        lines.append("  probes:")
    return lines + [f"    - {{{', '.join(_probe(one))}}}" for one in host.probes]


def _probe(probe: Probe) -> Iterable[str]:
    """The attributes of a probe that differ from their defaults."""
    if probe.name:
        yield f"name: {_quoted(probe.name)}"
    if probe.command:
        yield f"command: [{', '.join(map(_quoted, probe.command))}]"
    for key, text in (("tcp", probe.tcp), ("ping", probe.ping)):
        if text:
            yield f"{key}: {_quoted(text)}"
    if probe.timeout != PROBE_SECONDS:
        yield f"timeout: {probe.timeout}"


def _kthreads(kthreads: KernelThreads) -> Iterable[str]:
    """The attributes of the part kernel_threads that are set."""
    for name in KTHREAD_ATTRIBUTES:
        value = getattr(kthreads, name)
        if value is not None:
            yield f"{name}: {value}"


def _kvm(kvm: KvmPolicy) -> Iterable[str]:
    """The attributes of the kvm part that are set."""
    for one in fields(kvm):
        value = getattr(kvm, one.name)
        if value is not None and one.name != "sources":
            text = str(value).lower()
            yield f"{one.name}: {_quoted(text) if isinstance(value, NxHugePages) else text}"


def _boot(boot: BootPolicy) -> Iterable[str]:
    """The attributes of the boot part that are set."""
    for name in BOOT_ATTRIBUTES:
        value = getattr(boot, name)
        if value is not None:
            text = _quoted(str(value)) if isinstance(value, (CpuSet, Iommu)) else str(value)
            yield f"{name}: {text}"
    for name in BOOT_LISTS:
        words = getattr(boot, name)
        if words:
            yield f"{name}: [{', '.join(map(_quoted, words))}]"


def _noise(host: HostPolicy) -> Iterable[tuple[str, str]]:
    """The attributes of one word that differ from their defaults."""
    usual = type(host)()
    for name in HOST_ATTRIBUTES:
        value = getattr(host, name)
        if name not in _WRITTEN_FIRST and value != getattr(usual, name):
            yield (
                name,
                yaml_value(name, str(value).lower() if isinstance(value, bool) else str(value)),
            )


def _attributes(vm: VirtualMachine) -> Iterable[tuple[str, str]]:
    return ((name, text) for name, text in values_to_write(vm).items() if name != "name")


def scheduler_texts(text: str) -> dict[str, str]:
    """`fifo,1` as the two attributes of the scheduler."""
    policy, priority = text.split(",")
    return {"policy": policy, "priority": priority}


def _is_plain_text(text: str) -> bool:
    return bool(_PLAIN_TEXT.match(text)) and text.lower() not in _RESERVED


def _is_plain_text_word(text: str) -> bool:
    return (
        bool(_WORD.match(text)) and text.lower() not in _RESERVED and not _NUMBER_LIKE.match(text)
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
