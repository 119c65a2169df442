# SPDX-License-Identifier: Apache-2.0
"""libvirt's domains with the threads of those that run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.domain import Domain
from kvmrt_plan.facts.guest_kthreads import kthreads_of_guests
from kvmrt_plan.facts.processes import parse_locked, parse_memlock
from kvmrt_plan.facts.threads import parse_threads, qemu_folders

if TYPE_CHECKING:
    from kvmrt_plan.facts.domain import Thread
    from kvmrt_plan.facts.snapshot import RawDomain, Snapshot


def parse_domains(snapshot: Snapshot) -> dict[UUID, Domain]:
    """All domains by UUID, in the order of their names; empty when libvirt is not known.

    Raises:
        FactError: a UUID is none or occurs twice, or a thread's text is not the kernel's.
    """
    if snapshot.libvirt is None:
        return {}
    folders = qemu_folders(snapshot)
    kthreads = kthreads_of_guests(snapshot, folders.values())
    found: dict[UUID, Domain] = {}
    for raw in sorted(snapshot.libvirt.domains, key=lambda raw: (raw.name, raw.uuid)):
        uuid = _parse_uuid(raw)
        if uuid in found:
            raise FactError("libvirt", f"two domains have the UUID {uuid}")
        folder = folders.get(str(uuid))
        own = tuple(kthreads.get(folder or "", ()))
        found[uuid] = _parse_domain(snapshot, raw, uuid, folder=folder, kthreads=own)
    return found


def threads_of(snapshot: Snapshot, uuid: str) -> tuple[Thread, ...]:
    """The threads of one guest's QEMU process and those of the kernel that work for it; none when it does not
    run.

    Raises:
        FactError: a text is not what the kernel prints there.
    """
    folder = qemu_folders(snapshot).get(uuid)
    if folder is None:
        return ()
    kthreads = kthreads_of_guests(snapshot, (folder,))
    return (*parse_threads(snapshot, folder), *kthreads.get(folder, ()))


def _parse_uuid(raw: RawDomain) -> UUID:
    try:
        return UUID(raw.uuid)
    except ValueError as error:
        raise FactError("libvirt", f"{raw.uuid[:80]!r} is no UUID of a domain") from error


def _parse_domain(
    snapshot: Snapshot,
    raw: RawDomain,
    uuid: UUID,
    *,
    folder: str | None,
    kthreads: tuple[Thread, ...],
) -> Domain:
    is_running = bool(raw.live_xml) and folder is not None
    return Domain(
        uuid=uuid,
        name=raw.name,
        state=raw.state,
        is_persistent=raw.persistent,
        has_autostart=raw.autostart,
        xml=raw.xml,
        live_xml=raw.live_xml,
        threads=(*parse_threads(snapshot, folder), *kthreads) if is_running and folder else (),
        memlock=parse_memlock(snapshot, folder) if is_running and folder else None,
        locked_kib=parse_locked(snapshot, folder) if is_running and folder else None,
    )
