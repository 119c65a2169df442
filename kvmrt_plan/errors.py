# SPDX-License-Identifier: Apache-2.0
"""Failures of the world, split by who must act. Bugs stay plain exceptions.

Every error carries its data as attributes and builds its text from them: what is wrong, and what to do.
"""

from __future__ import annotations

from errno import errorcode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmrt_plan.diagnostics import Finding


class KvmrtError(Exception):
    """What went wrong (`problem`) and what the user can do about it (`remedy`)."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


class DesiredStateError(KvmrtError):
    """The configuration cannot be used; `findings` holds every problem in it."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        first = findings[0]
        super().__init__(f"{first.source}: {first.summary}", first.remedy)


class FactError(KvmrtError):
    """A raw text of the host is not what the kernel prints at `path`."""

    def __init__(self, path: str, problem: str, remedy: str = "") -> None:
        self.path = path
        super().__init__(
            f"{path}: {problem}",
            remedy or "take a new snapshot of the host, or report its text as a bug",
        )


class DomainXmlError(KvmrtError):
    """A domain's XML cannot be read or edited; `domain` names it."""

    def __init__(self, domain: str, problem: str, remedy: str) -> None:
        self.domain = domain
        super().__init__(f"domain {domain}: {problem}", remedy)


class SnapshotError(KvmrtError):
    """A snapshot or plan file is truncated, foreign, or of a format this version cannot read."""

    def __init__(self, file: str, problem: str, remedy: str) -> None:
        self.file = file
        super().__init__(f"{file}: {problem}", remedy)


class HostError(KvmrtError):
    """The host, or a service on it, refused something that was asked of it."""


class UsageError(KvmrtError):
    """The command line asks for something that does not go together."""


class WriteRefusedError(HostError):
    """The kernel, systemd or libvirt refused a read or write at `target`; `errno_name` is `EIO`, or ""."""

    def __init__(self, target: str, cause: str, *, errno_name: str = "") -> None:
        self.target = target
        self.cause = cause
        self.errno_name = errno_name
        text = f"{errno_name} {cause}".strip()
        super().__init__(f"{target}: {text}", "see docs/findings.md, or look at the kernel's log")

    @classmethod
    def of(cls, target: str, error: OSError) -> WriteRefusedError:
        """What a system call said."""
        name = errorcode.get(error.errno or 0, "")
        return cls(target, error.strerror or str(error), errno_name=name)


class StalePlanError(KvmrtError):
    """The host is not as it was planned on. Nothing was written; `differences` names each value."""

    def __init__(self, differences: tuple[str, ...], *, writers: tuple[str, ...] = ()) -> None:
        self.differences = differences
        #: Who may have changed them, as far as one can tell.
        self.writers = writers
        super().__init__(
            f"the plan is stale: {len(differences)} value{'s' * (len(differences) != 1)} changed since "
            f"it was made: {'; '.join(differences)}"
            + (f" (perhaps: {'; '.join(writers)})" if writers else ""),
            "plan again, look at what changed, and apply the new plan",
        )


class RunInterruptedError(KvmrtError):
    """A run was told to end before it had; `is_whole` says whether all of it was taken back."""

    def __init__(self, problem: str, remedy: str, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        super().__init__(problem, remedy)


class HostBusyError(KvmrtError):
    """Another run holds the lock."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(
            f"another run is changing this host ({holder})",
            "wait until it has ended, or use --lock-timeout SECONDS",
        )
