# SPDX-License-Identifier: Apache-2.0
"""What the real host's write(2) would fail with."""

from __future__ import annotations

from kvmrt_plan.errors import WriteRefusedError

_TEXTS = {
    "EIO": "Input/output error",
    "EINVAL": "Invalid argument",
    "ERANGE": "Numerical result out of range",
    "EOVERFLOW": "Value too large for defined data type",
    "EBUSY": "Device or resource busy",
    "ENOENT": "No such file or directory",
    "EACCES": "Permission denied",
    "ESRCH": "No such process",
    "EOPNOTSUPP": "Operation not supported",
}


def refusal(path: str, errno_name: str) -> WriteRefusedError:
    """The error of a write to `path`."""
    return WriteRefusedError(path, _TEXTS[errno_name], errno_name=errno_name)
