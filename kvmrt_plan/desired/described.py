# SPDX-License-Identifier: Apache-2.0
"""Fields of the desired state that carry what the schema and the documentation say about them."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def described(description: str, *examples: object, default: Any = ..., **more: Any) -> Any:
    """A dataclass field with what the schema and the documentation say about it."""
    metadata = {"description": description, "examples": list(examples), **more}
    if default is ...:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)
