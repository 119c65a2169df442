# SPDX-License-Identifier: Apache-2.0
"""kvmrt.service: its text, and the plan that installs or removes it.

The unit starts after libvirt's daemon, whichever of the two there is, and stops before it; it starts
before libvirt-guests.service, which would otherwise resume guests on CPUs that nobody has cleared
(systemd.unit(5), systemd.service(5)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Kind, NoChange, Reason, ReasonCode
from kvmrt_plan.plan.action import Action, Plan
from kvmrt_plan.plan.order import order_changes
from kvmrt_plan.values.filevalue import FileValue, format_file

if TYPE_CHECKING:
    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.plan.action import PlannedHost

UNIT = "kvmrt.service"
PATH = f"/etc/systemd/system/{UNIT}"
FILE_ADDRESS, SERVICE_ADDRESS = f"file{PATH}", f"service/{UNIT}"
ENABLED, DISABLED = "enabled", "disabled"

_TEXT = """\
# Installed by `kvmrt install-service`; `kvmrt install-service --remove` removes it.
[Unit]
Description=Real-time VMs and the host policies that they need
Documentation=man:kvmrt-boot(1) man:kvmrt-shutdown(1)
Wants=libvirtd.service virtqemud.service
After=libvirtd.service virtqemud.service network.target
Before=libvirt-guests.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command} boot{option}
ExecStop={command} shutdown{option} --timeout 90
# Locking and clearing a large guest's memory takes its time, and so does shutting guests down.
TimeoutStartSec=infinity
TimeoutStopSec=180

[Install]
WantedBy=multi-user.target
"""


def unit_text(*, program: str, configuration: str | None) -> str:
    """The unit's file.

    Args:
        program: absolute path of kvmrt.
        configuration: absolute path of the configuration; None: the usual ones.
    """
    option = "" if configuration is None else f" -f {quote(configuration)}"
    return _TEXT.format(command=quote(program), option=option)


def quote(word: str) -> str:
    r"""A word of a command line in a unit (systemd.service(5), COMMAND LINES).

    >>> quote("/opt/kvm rt/100%")
    '"/opt/kvm rt/100%%"'
    """
    safe = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$").replace('"', '\\"')
    return f'"{safe}"' if " " in safe or '"' in safe else safe


def plan_service(
    host: PlannedHost,
    *,
    now: str | None,
    is_enabled: bool,
    wanted: str | None,
    holders: tuple[str, ...] = (),
) -> Plan:
    """Install the unit with this text, or remove it (None).

    Args:
        host: where.
        now: the file as it is, in the form of `values/filevalue.py`.
        is_enabled: whether systemd starts the unit.
        wanted: the text that it should have; an existing file's mode and owner are kept.
        holders: UUIDs of the VMs whose policies are in force.
    """
    considered = [_file(now, wanted), _service(is_enabled=is_enabled, wanted=wanted)]
    changes = order_changes([one for one in considered if isinstance(one, Change)])
    return Plan(
        host=host,
        configuration=UNIT,
        narrowed_to=(),
        actions=tuple(
            Action(number=number, change=change) for number, change in enumerate(changes, start=1)
        ),
        pending=(),
        unchanged=tuple(one for one in considered if isinstance(one, NoChange)),
        holders=holders,
        findings=(),
    )


def _file(now: str | None, wanted: str | None) -> Considered:
    after = None if wanted is None else _with_content(now, wanted)
    reason = _reason("it boots the VMs" if wanted is not None else "the service is removed")
    if now == after:
        return NoChange(kind=Kind.FILE, address=FILE_ADDRESS, value=now, reason=reason)
    return Change(
        kind=Kind.FILE,
        address=FILE_ADDRESS,
        before=now,
        after=after,
        reason=reason,
        # systemctl disable needs the file to know which links to remove.
        requires=() if wanted is not None else (SERVICE_ADDRESS,),
    )


def _service(*, is_enabled: bool, wanted: str | None) -> Considered:
    before = ENABLED if is_enabled else DISABLED
    after = DISABLED if wanted is None else ENABLED
    reason = _reason("it starts with the machine" if wanted is not None else "it is removed")
    if before == after:
        return NoChange(kind=Kind.SERVICE, address=SERVICE_ADDRESS, value=before, reason=reason)
    return Change(
        kind=Kind.SERVICE,
        address=SERVICE_ADDRESS,
        before=before,
        after=after,
        reason=reason,
        requires=(FILE_ADDRESS,) if wanted is not None else (),
    )


def _with_content(now: str | None, content: str) -> str:
    """A new file is root's and may be read by all."""
    if now is None:
        return format_file(FileValue(mode=0o644, uid=0, gid=0, content=content))
    return f"{now.partition(chr(10))[0]}\n{content}"


def _reason(text: str) -> Reason:
    return Reason(code=ReasonCode.REQUESTED, text=text)
