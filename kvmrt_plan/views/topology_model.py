# SPDX-License-Identifier: Apache-2.0
"""The topology document as pydantic models, for its JSON Schema."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SharePart(BaseModel):
    """What a CPU does for a VM that owns it."""

    model_config = ConfigDict(frozen=True)

    vm: str
    emulator: bool
    vcpus: tuple[int, ...]
    offlined: bool = Field(description="It is a sibling that is taken offline.")


class CpuPart(BaseModel):
    """One logical CPU; null is what the kernel does not say."""

    model_config = ConfigDict(frozen=True)

    id: int = Field(ge=0)
    online: bool
    socket: int | None
    die: int | None
    core: int | None
    node: int | None = Field(description="NUMA node.")
    siblings: tuple[int, ...] | None = Field(
        description="Online hardware threads of its core, itself included."
    )
    vms: tuple[SharePart, ...] = Field(
        default=(), description="Owners; only where a configuration was read."
    )
    housekeeping: bool = Field(
        default=False, description="For the host's own work; only where a configuration was read."
    )


class NodePart(BaseModel):
    """One NUMA node; it may have no CPUs, or no memory."""

    model_config = ConfigDict(frozen=True)

    id: int = Field(ge=0)
    cpus: tuple[int, ...]
    memory_kib: int | None
    distances: dict[str, int] = Field(description="By node id; local is 10.")


class TopologyDocument(BaseModel):
    """CPUs and NUMA nodes of a host, as `kvmrt topology --json` prints them."""

    model_config = ConfigDict(frozen=True)

    format_version: str = Field(pattern=r"^1\.\d+$")
    cpus: tuple[CpuPart, ...]
    nodes: tuple[NodePart, ...]
