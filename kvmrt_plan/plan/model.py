# SPDX-License-Identifier: Apache-2.0
"""The plan document as pydantic models: its JSON Schema, and the strict reading of a saved plan.

`document.py` writes these documents without pydantic, because a plan is shown far more often than it is
read back; a test holds both to the same schema.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from kvmrt_plan.changes.change import Activation, Disturbance, Kind, ReasonCode, Undo
from kvmrt_plan.diagnostics import Severity


class _Part(BaseModel):
    """Readers ignore fields that a newer minor version has added."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class HostPart(_Part):
    """The host the plan was made for."""

    name: str = Field(description="Host name.")
    captured: str = Field(description="When its facts were taken, UTC, ISO 8601.")
    kernel: str = Field(description="Kernel release.")
    boot_id: str = Field(description="/proc/sys/kernel/random/boot_id, empty when not known.")


class ConfigurationPart(_Part):
    """The configuration the plan was made from."""

    file: str = Field(description="The file as it was named on the command line.")
    digest: str = Field(description="SHA-256 of its bytes, hexadecimal.")
    content: str = Field(description="The file itself, so that a saved plan can be proven later.")


class SummaryPart(_Part):
    """Counts of actions by the time they take effect, and of findings."""

    now: int = Field(ge=0, description="Actions in effect at once.")
    guest_restart: int = Field(ge=0, description="Actions in effect when the guest restarts.")
    next_boot: int = Field(ge=0, description="Actions in effect at the next boot.")
    pending: int = Field(ge=0, description="Values written earlier and not yet in effect.")
    unchanged: int = Field(ge=0, description="Settings that were checked and are right.")
    warnings: int = Field(ge=0, description="Findings that warn.")
    errors: int = Field(ge=0, description="Findings that stop the plan.")


class ReasonPart(_Part):
    """Why; for people, no behaviour hangs on it."""

    code: ReasonCode = Field(description="A closed list.", strict=False)
    text: str = Field(description="Completes a sentence that begins with because.")
    source: str | None = Field(description="file:line of the configuration.")


class ActionPart(_Part):
    """One step of the plan."""

    id: int = Field(ge=1, description="Its place in the order.")
    kind: Kind = Field(description="What it writes to.", strict=False)
    address: str = Field(description="What is changed; unique in the plan.", examples=["irq/45"])
    label: str = Field(description="What the thing is called.", examples=["eth0-rx-1"])
    before: str | None = Field(description="Value now; null is absent. CPU sets are cpulists.")
    after: str | None = Field(description="Value then.")
    running: str | None = Field(description="The running guest's value where it differs.")
    activation: Activation = Field(description="When it takes effect.", strict=False)
    disturbance: Disturbance = Field(description="Who notices while it is written.", strict=False)
    undo: Undo = Field(description="How far it can be taken back.", strict=False)
    reason: ReasonPart
    requires: tuple[int, ...] = Field(description="Steps that come before it.", strict=False)
    vm: str | None = Field(description="UUID of the VM it is about.")


class PendingPart(_Part):
    """A value that is written and not yet in effect."""

    kind: Kind = Field(strict=False)
    address: str
    label: str
    running: str | None = Field(description="What is in effect.")
    written: str | None = Field(description="What will be.")
    activation: Activation = Field(strict=False)
    vm: str | None


class UnchangedPart(_Part):
    """A setting that was checked and is right."""

    kind: Kind = Field(strict=False)
    address: str
    label: str
    value: str | None
    reason: ReasonPart
    vm: str | None


class DriftPart(_Part):
    """A value that is not what kvmrt had made it."""

    kind: Kind = Field(strict=False)
    address: str
    label: str
    written: str | None = Field(description="What kvmrt had made it.")
    present: str | None
    cause: str = Field(description="What explains it, or that nothing does; for people.")


class FindingPart(_Part):
    """A problem of the configuration on this host."""

    code: str = Field(pattern=r"^KR\d{3}$", examples=["KR104"])
    severity: Severity = Field(strict=False)
    summary: str
    detail: str
    remedy: str
    source: str | None = Field(description="file:line, null when it is about the host.")
    vm: str | None = Field(description="Name of the VM it is about.")


class PlanDocument(_Part):
    """What has to change on a host, in order, and why."""

    format: str = Field(pattern="^kvmrt-plan$")
    format_version: str = Field(pattern=r"^1\.\d+$", examples=["1.0"])
    kvmrt_version: str
    host: HostPart
    configuration: ConfigurationPart
    narrowed_to: tuple[str, ...] = Field(description="VMs it is limited to.", strict=False)
    holders: tuple[str, ...] = Field(
        description="UUIDs of the VMs whose policies are in force after it.", strict=False
    )
    errored: bool = Field(description="An error stops it; then there are no actions.")
    summary: SummaryPart
    actions: tuple[ActionPart, ...] = Field(strict=False)
    pending: tuple[PendingPart, ...] = Field(strict=False)
    findings: tuple[FindingPart, ...] = Field(strict=False)
    drift: tuple[DriftPart, ...] = Field(
        default=(), strict=False, description="There when something has drifted."
    )
    unchanged: tuple[UnchangedPart, ...] = Field(default=(), strict=False)
    digest: str = Field(
        pattern="^[0-9a-f]{64}$", description="SHA-256 of the document without this field."
    )
