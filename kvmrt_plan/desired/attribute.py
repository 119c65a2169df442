# SPDX-License-Identifier: Apache-2.0
"""Texts of single attributes to values and back: what INI and YAML have in common.

A parser takes the text of a value and returns the value, or raises `BadValue` with what was expected
and what to write instead. `ATTRIBUTES` and the other tables are the one list of what may be said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kvmrt_plan.desired import problems as codes
from kvmrt_plan.desired.guest import SWITCHES, Allocation, CpuMode, GuestClock, IoapicDriver
from kvmrt_plan.desired.host_knobs import PageMerging, TransparentHugepages
from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.desired.model import GuestTopology, PageSize, Pinning, ShieldBackend, VirtualMachine
from kvmrt_plan.desired.problems import nearest, quote
from kvmrt_plan.desired.thread_scheduler import SCHEDULED, SchedulerPolicy, ThreadScheduler
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

AUTO = "auto"
TRUE_WORDS = ("true", "on", "yes", "1")
FALSE_WORDS = ("false", "off", "no", "0")

#: libvirt keeps a domain in NAME.xml, and a file name has at most 255 bytes.
MAX_NAME_BYTES = 255 - len(".xml")
MAX_VCPUS, MAX_IOTHREADS = 4096, 256
MAX_PRIORITY = 99
MAX_LATENCY_US = 2**31 - 1  # a signed 32-bit number of the kernel's
GOVERNOR_PATTERN = r"[a-z][a-z_]{1,30}"

UUID_PATTERN = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"

_UUID = re.compile(UUID_PATTERN[:-1] + r"\Z")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TOPOLOGY = re.compile(r"\s*([0-9]{1,5})\s*,\s*([0-9]{1,5})\s*,\s*([0-9]{1,5})\s*")


class BadValue(Exception):  # noqa: N818  it becomes a finding, not an error of the program
    """A text is no value of its attribute: what was expected, and what to do."""

    def __init__(self, expected: str, remedy: str, code: str = codes.BAD_VALUE) -> None:
        self.expected = expected
        self.remedy = remedy
        self.code = code
        super().__init__(expected)


def parse_uuid(text: str) -> UUID:
    """A UUID in the form libvirt prints, in upper or lower case."""
    if not _UUID.match(text):
        raise BadValue(
            "a UUID such as fde74e84-0e1b-404e-90e7-72101e79c48a is expected",
            "write the VM's UUID as `virsh domuuid NAME` prints it",
        )
    return UUID(text)


def parse_name(text: str) -> str:
    """A libvirt domain name: not empty, no slash, no line break, at most 251 bytes."""
    if not text.strip():
        raise BadValue("a name has at least one visible character", "write the domain's name")
    if text != text.strip():
        raise BadValue("a name neither begins nor ends with a blank", "remove the blank")
    if "/" in text:
        raise BadValue("libvirt refuses a slash in a domain's name", "remove the slash")
    if "\n" in text or "\t" in text:
        raise BadValue("a name is one line without tabs", "write the name on one line")
    if len(text.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise BadValue(
            f"a name has at most {MAX_NAME_BYTES} bytes, because libvirt names a file after it",
            "write a shorter name",
        )
    return text


def parse_title(text: str) -> str:
    """A libvirt title: one line."""
    if "\n" in text:
        raise BadValue(
            "libvirt takes titles of one line", "write it on one line, or use description"
        )
    return text


def parse_text(text: str) -> str:
    """Any text."""
    return text


def parse_bool(text: str) -> bool:
    """One of KVM-RT's words for true and false, in any case."""
    word = text.lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise BadValue("true or false is expected", "write true or false (also on, off, yes, no, 1, 0)")


def parse_bool_or_auto(text: str) -> bool | None:
    """As `parse_bool`; auto is None."""
    if text.lower() == AUTO:
        return None
    try:
        return parse_bool(text)
    except BadValue as error:
        raise BadValue(
            "true, false or auto is expected", f"{error.remedy}, or auto for the same as rt"
        ) from None


def integer_parser(low: int, high: int) -> Callable[[str], int]:
    """A parser of decimal numbers from `low` to `high`."""

    def parse_integer(text: str) -> int:
        expected = f"a whole number from {low} to {high} is expected"
        if not _INTEGER.fullmatch(text):
            raise BadValue(expected, "write it with digits only")
        # Python refuses to convert thousands of digits; no allowed number has that many.
        number = int(text) if len(text) <= 20 else high + 1
        if not low <= number <= high:
            raise BadValue(expected, f"write a number from {low} to {high}")
        return number

    return parse_integer


def parse_cpuset(text: str) -> CpuSet:
    """A cpulist; "" is the empty set."""
    try:
        return CpuSet.parse(text)
    except CpuListError as error:
        part = f"{quote(error.text)} " if error.text not in ("", text) else ""
        raise BadValue(
            f"{part}{error.problem}",
            "write numbers and ranges with commas between them, such as 0,2,4-7",
            codes.BAD_CPULIST,
        ) from None


def parse_cpuset_or_auto(text: str) -> CpuSet | None:
    """A cpulist; auto is None."""
    return _or_auto(text, parse_cpuset)


def _or_auto(text: str, parse: Callable[[str], CpuSet]) -> CpuSet | None:
    if text.strip().lower() == AUTO:
        return None
    try:
        return parse(text)
    except BadValue as error:
        raise BadValue(error.expected, f"{error.remedy}, or auto", error.code) from None


def parse_some_cpus(text: str) -> CpuSet:
    """A cpulist that names at least one CPU."""
    cpus = parse_cpuset(text)
    if not cpus:
        raise BadValue("at least one CPU is expected", "write the CPUs, such as 0-3")
    return cpus


def parse_some_cpus_or_auto(text: str) -> CpuSet | None:
    """A cpulist that names at least one CPU; auto is None."""
    return _or_auto(text, parse_some_cpus)


def parse_topology(text: str) -> GuestTopology | None:
    """`sockets,cores,threads`; auto is None."""
    if text.lower() == AUTO:
        return None
    matched = _TOPOLOGY.fullmatch(text)
    numbers = [int(number) for number in matched.groups()] if matched else []
    if not numbers or 0 in numbers:
        raise BadValue(
            "sockets,cores,threads (three positive numbers) or auto is expected",
            "write auto, or three numbers such as 1,4,1",
        )
    return GuestTopology(*numbers)


def parse_governor(text: str) -> str:
    """A cpufreq governor or energy preference; which ones exist depends on the kernel."""
    if not re.fullmatch(GOVERNOR_PATTERN, text):
        raise BadValue("a name of cpufreq is expected", "write one that cpuN/cpufreq offers")
    return text


def word_parser(words: type[StrEnum]) -> Callable[[str], StrEnum]:
    """A parser of the words of an enumeration."""

    def parse_word(text: str) -> StrEnum:
        known = [str(word) for word in words]
        if text not in known:
            near = nearest(text, known)
            remedy = f"write {near}" if near else f"write {' or '.join(known)}"
            raise BadValue(f"one of {', '.join(known)} is expected", remedy)
        return words(text)

    return parse_word


def parse_scheduler(text: str) -> ThreadScheduler:
    """`policy,priority`: how the scheduler is given to an edit, as `fifo,1`."""
    policy, comma, priority = text.partition(",")
    if not comma:
        raise BadValue("policy,priority is expected", "write fifo,1")
    return ThreadScheduler(
        policy=SCHEDULER_ATTRIBUTES["policy"](policy.strip()),
        priority=SCHEDULER_ATTRIBUTES["priority"](priority.strip()),
    )


SCHEDULER_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "policy": word_parser(SchedulerPolicy),
    "priority": integer_parser(1, MAX_PRIORITY),
}

#: The parser of every attribute of a VM, in the order in which files are written.
ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "name": parse_name,
    "title": parse_title,
    "description": parse_text,
    "nr_vcpus": integer_parser(1, MAX_VCPUS),
    "cpu_topology": parse_topology,
    "cpuset": parse_cpuset,
    "rt": parse_bool,
    "rt_memory": parse_bool_or_auto,
    "numatune": parse_cpuset_or_auto,
    "hide_kvm": parse_bool,
    "autostart": parse_bool,
    "comments": parse_text,
    **dict.fromkeys(SCHEDULED, parse_scheduler),
    "hugepages": word_parser(PageSize),
    "iothreads": integer_parser(0, MAX_IOTHREADS),
    "guest_clock": word_parser(GuestClock),
    "pinning": word_parser(Pinning),
    "memory_allocation": word_parser(Allocation),
    "cell_nodes": parse_some_cpus,
    "cpu_mode": word_parser(CpuMode),
    "ioapic": word_parser(IoapicDriver),
    **dict.fromkeys(SWITCHES, parse_bool),
}

#: Attributes whose value is the text itself: a number or true must stand in quotes in YAML.
TEXT_ATTRIBUTES = frozenset({"name", "title", "description", "comments"})

HOST_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "housekeeping": parse_some_cpus_or_auto,
    "shield": word_parser(ShieldBackend),
    "irqbalance": word_parser(IrqbalancePolicy),
    "quiet_kernel": parse_bool,
    "rt_throttling": parse_bool,
    "governor": parse_governor,
    "cpu_latency_us": integer_parser(1, MAX_LATENCY_US),
    "reserve_hugepages": parse_bool,
    **dict.fromkeys(("memory_shield", "evacuate_cpus"), parse_bool),
    "page_merging": word_parser(PageMerging),
    "transparent_hugepages": word_parser(TransparentHugepages),
    **dict.fromkeys(("nmi_watchdog", "machine_check_polling"), parse_bool),
    "energy_preference": parse_governor,
    "idle_exit_us": integer_parser(0, MAX_LATENCY_US),
}


def format_attribute(vm: VirtualMachine, name: str) -> str | None:
    """The text of an attribute, which its parser reads again; None when it is unmanaged."""
    value = getattr(vm, name)
    if value is None:
        return AUTO if name in {"cpu_topology", "rt_memory", "numatune"} else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, ThreadScheduler):
        return f"{value.policy},{value.priority}"
    return str(value)
