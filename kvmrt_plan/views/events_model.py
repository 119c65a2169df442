# SPDX-License-Identifier: Apache-2.0
"""The events of `kvmrt apply --json`, one object per line, as pydantic models for their JSON Schema.

`outcomes.py` and `safety.py` write them; a test holds a real stream against the schema. Readers ignore
types and fields that they do not know.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from kvmrt_plan.apply.journal import Finish
from kvmrt_plan.apply.run import Status
from kvmrt_plan.apply.step import Outcome
from kvmrt_plan.changes.change import Activation, Kind


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class VersionEvent(_Event):
    """Always the first."""

    type: Literal["version"]
    format_version: str = Field(pattern=r"^1\.\d+$")
    kvmrt_version: str


class RecoveredEvent(_Event):
    """An earlier run had not ended."""

    type: Literal["recovered"]
    run: str
    finish: Finish = Field(description="What became of it.")
    differs: tuple[str, ...] = Field(description="What could not be taken back.")


class FailingProbe(_Event):
    """A probe that fails before the first write, and does not count."""

    name: str
    cause: str


class ProbesEvent(_Event):
    """What the probes say before the first write."""

    type: Literal["probes"]
    was_run: bool = Field(description="False on a simulated host.")
    passing: tuple[str, ...]
    failing: tuple[FailingProbe, ...]


class ActionEvent(_Event):
    """A step was made, or not."""

    type: Literal["action"]
    id: int = Field(ge=1, description="Its number in the plan.")
    kind: Kind
    address: str
    before: str | None
    after: str | None
    outcome: Outcome
    cause: str = Field(description="Why it was not made; empty otherwise.")


class RestartedEvent(_Event):
    """A guest was restarted, or runs on."""

    type: Literal["restarted"]
    vm: str
    problem: str = Field(description="Why it was not; empty otherwise.")


class UnconfirmedEvent(_Event):
    """The run is taken back unless it is confirmed."""

    type: Literal["unconfirmed"]
    run: str
    seconds: float = Field(gt=0)


class PendingValue(_Event):
    """Written, and not in effect."""

    address: str
    running: str | None
    written: str | None
    activation: Activation


class ResultEvent(_Event):
    """How the run ended."""

    type: Literal["result"]
    status: Status
    run: str | None = Field(description="Null when there was nothing to do.")
    exit_code: int = Field(ge=0, le=255)
    failure: str
    differs: tuple[str, ...]
    pending: tuple[PendingValue, ...]


class RefusedEvent(_Event):
    """The run ended before its first write."""

    type: Literal["refused"]
    problem: str
    remedy: str
    exit_code: int = Field(ge=0, le=255)


class EventDocument(RootModel[object]):
    """One line of the stream."""

    root: Annotated[
        VersionEvent
        | RecoveredEvent
        | ProbesEvent
        | ActionEvent
        | RestartedEvent
        | UnconfirmedEvent
        | ResultEvent
        | RefusedEvent,
        Field(discriminator="type"),
    ]
