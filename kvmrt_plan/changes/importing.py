# SPDX-License-Identifier: Apache-2.0
"""Takes libvirt's domains over into the text of a configuration.

Comments and layout stay. A domain that the file cannot say is left out with a finding, the others are
taken over all the same; nothing is ever removed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.changes.adopt import desired_from_domain, left_over, updated_from_domain
from kvmrt_plan.desired.attribute import ATTRIBUTES, BadValue, format_attribute
from kvmrt_plan.desired.decode import refused_characters
from kvmrt_plan.desired.edit import DEFAULTS
from kvmrt_plan.desired.load import is_yaml
from kvmrt_plan.desired.model import Configuration, VirtualMachine
from kvmrt_plan.desired.problems import UNSAYABLE, label_of
from kvmrt_plan.diagnostics import Finding, Severity, Source
from kvmrt_plan.errors import DesiredStateError, DomainXmlError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts

_YAML_REMEDY = "keep the configuration in a YAML file, or change it with `virsh edit`"


class Outcome(StrEnum):
    """What became of a domain."""

    ADDED = "added"
    UPDATED = "updated"
    #: In the file already, and as libvirt has it (or updates were not asked for).
    PRESENT = "present"
    #: It has no definition that could be configured.
    TRANSIENT = "transient"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An attribute of a VM that was updated; texts as in INI, None: unset."""

    attribute: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One domain and what became of it."""

    name: str
    uuid: str
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    #: Why it was refused.
    finding: Finding | None = None
    #: What a plan would still change in libvirt, since real time asks for it.
    left_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """The new text, and each domain in the order of the names."""

    text: str
    domains: tuple[Imported, ...]


class _Refusal(Exception):  # noqa: N818  it becomes a finding, not an error of the program
    def __init__(self, summary: str, remedy: str) -> None:
        self.summary = summary
        self.remedy = remedy
        super().__init__(summary)


def import_domains(
    text: str,
    configuration: Configuration,
    domains: Iterable[Domain],
    facts: HostFacts,
    *,
    updates: bool,
) -> Import:
    """The text with the domains in it.

    Args:
        text: the file as it is; "" for one that is to be made.
        configuration: what it says, with the file's name.
        domains: those to take over.
        facts: the host that they are on.
        updates: whether VMs that are in the file get libvirt's values.

    Raises:
        DesiredStateError: an edit does not lead to what was meant; nothing may be written then.
    """
    writer = _Writer(text, configuration, facts)
    done = tuple(writer.take(domain, updates=updates) for domain in domains)
    return Import(text=writer.finish(), domains=done)


class _Writer:
    """The text while domains are taken over one after the other; additions are made at the end, as one
    edit, so that many domains cost one reading of the file.
    """

    def __init__(self, text: str, configuration: Configuration, facts: HostFacts) -> None:
        self._text = text
        self._file = configuration.file
        self._is_yaml = is_yaml(configuration.file, text)
        self._facts = facts
        self._present = {vm.uuid: vm for vm in configuration.vms}
        self._names = {vm.name: vm.uuid for vm in configuration.vms}
        self._added: list[VirtualMachine] = []

    def take(self, domain: Domain, *, updates: bool) -> Imported:
        present = self._present.get(domain.uuid)
        try:
            if not domain.is_persistent:
                return _imported(domain, Outcome.TRANSIENT)
            if present is None:
                return self._add(domain)
            return self._update(present, domain) if updates else _imported(domain, Outcome.PRESENT)
        except (_Refusal, BadValue, DomainXmlError, DesiredStateError, ValueError) as error:
            return replace(
                _imported(domain, Outcome.REFUSED), finding=_finding(domain, error, self._file)
            )

    def finish(self) -> str:
        if not self._added:
            return self._text
        text: str = self._edits().add_vms(self._text, self._added, file=self._file)
        return text

    def _edits(self) -> ModuleType:
        # The parser of YAML takes 20 ms to load, which an INI file does not have to pay.
        if self._is_yaml:
            from kvmrt_plan.desired import edit_yaml

            return edit_yaml
        from kvmrt_plan.desired import edit_ini

        return edit_ini

    def _add(self, domain: Domain) -> Imported:
        vm = desired_from_domain(domain, with_further=self._is_yaml)
        self._check(vm)
        left = left_over(vm, domain, self._facts)
        if left:
            what = ", ".join(change.address.rpartition("/")[2] for change in left)
            raise _Refusal(f"no configuration says what it has as {what}", _YAML_REMEDY)
        self._added.append(vm)
        self._names[vm.name] = vm.uuid
        return _imported(domain, Outcome.ADDED)

    def _update(self, present: VirtualMachine, domain: Domain) -> Imported:
        vm = updated_from_domain(present, domain, self._facts, with_further=self._is_yaml)
        self._check(vm)
        differences = tuple(
            Difference(
                attribute=name,
                before=format_attribute(present, name),
                after=format_attribute(vm, name),
            )
            for name in ATTRIBUTES
            if getattr(present, name) != getattr(vm, name)
        )
        left = tuple(
            f"{one.address.partition('/')[2].partition('/')[2]} "
            f"{one.before or 'absent'} -> {one.after or 'absent'}"
            for one in left_over(vm, domain, self._facts)
        )
        if differences:
            self._set(present, vm, differences)
        outcome = Outcome.UPDATED if differences else Outcome.PRESENT
        return replace(_imported(domain, outcome), differences=differences, left_over=left)

    def _set(
        self, present: VirtualMachine, vm: VirtualMachine, differences: tuple[Difference, ...]
    ) -> None:
        values = {
            one.attribute: None if _goes_without_saying(present, vm, one.attribute) else one.after
            for one in differences
        }
        self._text = self._edits().set_attributes(
            self._text, uuid=vm.uuid, values=values, file=self._file
        )
        self._names.pop(present.name)
        self._names[vm.name] = vm.uuid

    def _check(self, vm: VirtualMachine) -> None:
        """That the file can say the VM.

        Raises:
            _Refusal, BadValue, DesiredStateError: it cannot.
        """
        if self._names.get(vm.name, vm.uuid) != vm.uuid:
            raise _Refusal(
                f"another VM of the file has its name, {self._names[vm.name]}",
                "give one of the two another name, or correct the UUID in the file",
            )
        for name, parse in ATTRIBUTES.items():
            text = format_attribute(vm, name)
            if text is None:
                continue
            if refused_characters(text):
                raise _Refusal(
                    f"its {name} holds characters that no configuration may hold",
                    f"change it: `virsh edit {vm.uuid}`",
                )
            parse(text)
        if not self._is_yaml:
            from kvmrt_plan.desired.edit_ini import refuse_uncarried

            refuse_uncarried(Configuration(vms=(vm,), file=self._file))


def _goes_without_saying(present: VirtualMachine, vm: VirtualMachine, attribute: str) -> bool:
    """Whether the value is the default and no line of the file says otherwise."""
    value = getattr(vm, attribute)
    is_default = attribute in DEFAULTS and value == DEFAULTS[attribute]
    return is_default and (attribute not in present.sources or value is None)


def _imported(domain: Domain, outcome: Outcome) -> Imported:
    return Imported(name=domain.name, uuid=str(domain.uuid), outcome=outcome)


def _finding(domain: Domain, error: Exception, file: str) -> Finding:
    if isinstance(error, _Refusal):
        summary, remedy = error.summary, error.remedy
    elif isinstance(error, BadValue):
        summary, remedy = error.expected, f"change it: `virsh edit {domain.uuid}`"
    elif isinstance(error, DomainXmlError):
        summary, remedy = error.problem, error.remedy
    elif isinstance(error, DesiredStateError):
        summary, remedy = error.findings[0].summary, _YAML_REMEDY
    else:
        summary, remedy = str(error), _YAML_REMEDY
    label = label_of(domain.name)
    return Finding(
        code=UNSAYABLE,
        severity=Severity.ERROR,
        summary=f"{label}: is not taken over: {summary.removeprefix(f'{label}: ')}",
        remedy=remedy,
        source=Source(file),
        vm=domain.name,
    )
