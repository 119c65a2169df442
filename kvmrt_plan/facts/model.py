# SPDX-License-Identifier: Apache-2.0
"""The snapshot document as pydantic models, for its JSON Schema.

`document.py` reads and writes snapshots with checks of its own: one of a large host has 12 MB.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Path = Annotated[str, Field(pattern="^/")]


class DomainPart(BaseModel):
    """One libvirt domain."""

    model_config = ConfigDict(frozen=True)

    uuid: str = Field(description="Canonical UUID.")
    name: str
    state: str = Field(description="As virsh domstate prints it.", examples=["running"])
    persistent: bool
    autostart: bool
    xml: str = Field(description="Inactive XML; empty for a transient domain.")
    live_xml: str = Field(description="XML of the running guest; empty when it does not run.")
    guest: str = Field(
        default="", description="Only on a simulated host: what the guest's agent tells."
    )


class LibvirtPart(BaseModel):
    """What libvirt said."""

    model_config = ConfigDict(frozen=True)

    uri: str = Field(examples=["qemu:///system"])
    problem: str = Field(description="Why it did not answer; empty when it did.")
    version: int = Field(description="As virConnectGetLibVersion: 9000000 is 9.0.0.", ge=0)
    domains: tuple[DomainPart, ...]


class SnapshotDocument(BaseModel):
    """The raw texts of a host, as captured by `kvmrt snapshot`."""

    model_config = ConfigDict(frozen=True)

    format: str = Field(pattern="^kvmrt-snapshot$")
    format_version: str = Field(pattern=r"^1\.\d+$", examples=["1.1"])
    kvmrt_version: str
    name: str = Field(description="The host's name.")
    captured: str = Field(description="When, UTC, ISO 8601.")
    files: dict[_Path, str] = Field(description="Texts of the kernel's and other files, by path.")
    links: dict[_Path, str] = Field(
        description="Symbolic links with their targets; folders of which only the existence counts "
        "have an empty target."
    )
    unreadable: dict[_Path, str] = Field(
        description="Paths that exist and could not be read, with the errno's name."
    )
    dormant: dict[_Path, str] = Field(
        default={},
        description="On a simulated host: texts that come back when their CPU is online again.",
    )
    libvirt: LibvirtPart | None = Field(description="null when libvirt was not asked.")
    redacted: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default={},
        description="How many values of each kind `kvmrt snapshot --redact` replaced; empty: it is as "
        "captured.",
        examples=[{"mac-addresses": 3, "paths": 4}],
    )
