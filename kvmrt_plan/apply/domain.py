# SPDX-License-Identifier: Apache-2.0
"""libvirt's definitions and the pins of running guests.

All elements of one domain that a plan changes are one definition. libvirt has no compare-and-swap: the
definition is read, compared and written under kvmrt's lock, in its SECURE form so that no password is
dropped, and read again to see what libvirt made of it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import subject_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.changes.live_pins import thread_affinities
from kvmrt_plan.domainxml.document import format_domain, parse_domain, read_settings, write_setting
from kvmrt_plan.domainxml.outline import outline
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from kvmrt_plan.apply.journal import Texts
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host


def read_definition(host: Host, steps: Sequence[Step]) -> list[str | None]:
    """The present value of each element of one domain."""
    uuid = steps[0].owner
    root = parse_domain(host.domains.definition(uuid), domain=uuid)
    settings = read_settings(root)
    return [settings.get(subject_of(step.kind, step.address)) for step in steps]


def write_definition(host: Host, steps: Sequence[Step]) -> None:
    """Set all elements in one definition.

    Raises:
        WriteRefusedError: libvirt refuses it, or an element cannot have its value.
    """
    uuid = steps[0].owner
    root = parse_domain(host.domains.definition(uuid), domain=uuid)
    for step in _in_writing_order(steps):
        key = subject_of(step.kind, step.address)
        try:
            write_setting(root, key, step.new)
        except ValueError as error:
            raise WriteRefusedError(step.address, str(error)) from error
    host.domains.define(format_domain(root))


def definition_text(host: Host, batch: Sequence[Step]) -> str | None:
    """The definition that a batch changes; None when it changes none.

    Raises:
        WriteRefusedError: libvirt does not give it.
    """
    if batch[0].kind is not Kind.DOMAIN_XML:
        return None
    return host.domains.definition(batch[0].owner)


def restore_definition(host: Host, steps: Sequence[Step], texts: Texts) -> bool:
    """Define the whole text as it was, if nobody else has changed the definition since.

    Returns:
        Whether the definition is as it was. False: it has to be taken back element by element.
    """
    now = host.domains.definition(steps[0].owner)
    if now == texts.before:
        return True
    if now != texts.after and not _is_ours(steps, now, texts.before):
        return False
    host.domains.define(texts.before)
    return host.domains.definition(steps[0].owner) == texts.before


def _is_ours(steps: Sequence[Step], now: str, before: str) -> bool:
    """Whether the definition differs from the one before by the steps alone. A run that was killed has
    not read what libvirt made of the text it had sent.
    """
    uuid = steps[0].owner
    root, root_before = parse_domain(now, domain=uuid), parse_domain(before, domain=uuid)
    settings = read_settings(root)
    keys = [subject_of(step.kind, step.address) for step in steps]
    if any(settings.get(key) != step.new for key, step in zip(keys, steps, strict=True)):
        return False
    _clear(root, keys)
    _clear(root_before, keys)
    return outline(root) == outline(root_before)


def _clear(root: _Element, keys: Sequence[str]) -> None:
    """Take the settings out, with what goes with them: a balloon's address, a list of vCPUs."""
    for key in keys:
        if key != "vcpus":
            write_setting(root, key, None)
            continue
        # The number of vCPUs cannot be absent; what a change of it removes goes when it changes.
        count = int(read_settings(root)["vcpus"])
        write_setting(root, key, str(count + 1))
        write_setting(root, key, "1")


def _in_writing_order(steps: Sequence[Step]) -> list[Step]:
    """The number of vCPUs first: what counts as absent in topology and pins depends on it."""
    return sorted(steps, key=lambda step: not step.address.endswith(("/vcpus", "/iothreads")))


def read_domain(host: Host, step: Step) -> str | None:
    """Name, autostart, or the place of a running guest's thread; None when there is no such thread."""
    if step.kind is Kind.DOMAIN_RENAME:
        return host.domains.name(step.owner)
    if step.kind is Kind.DOMAIN_AUTOSTART:
        return "on" if host.domains.has_autostart(step.owner) else "off"
    return _read_pin(host, step.owner, subject_of(step.kind, step.address))


def write_domain(host: Host, step: Step) -> None:
    """Rename, switch autostart, or move a thread.

    Raises:
        WriteRefusedError: libvirt refuses.
    """
    if step.kind is Kind.DOMAIN_RENAME:
        host.domains.rename(step.owner, step.new or "")
    elif step.kind is Kind.DOMAIN_AUTOSTART:
        host.domains.set_autostart(step.owner, is_on=step.new == "on")
    else:
        _write_pin(host, step)


def _read_pin(host: Host, uuid: str, key: str) -> str | None:
    """Where the thread may run: what the kernel says, else what libvirt says of the running guest."""
    affinities = thread_affinities(host.domains.threads(uuid))
    if key in affinities:
        return affinities[key]
    live = host.domains.live_definition(uuid)
    return read_settings(parse_domain(live, domain=uuid)).get(key) if live else None


def _write_pin(host: Host, step: Step) -> None:
    """Pin; a pin that libvirt refuses has already changed the thread's cgroup, so the old one is set
    again before the error goes on.
    """
    key = subject_of(step.kind, step.address)
    try:
        new = CpuSet.parse(step.new or "")
        old = CpuSet.parse(step.old or "")
    except CpuListError as error:
        raise WriteRefusedError(step.address, str(error)) from error
    try:
        host.domains.pin(step.owner, key, new)
    except WriteRefusedError:
        if old:
            # What it is then is read by whoever asked for the pin.
            with suppress(WriteRefusedError):
                host.domains.pin(step.owner, key, old)
        raise
