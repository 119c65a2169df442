# SPDX-License-Identifier: Apache-2.0
"""JSON as every command prints it."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def dump_document(document: Mapping[str, Any]) -> str:
    """JSON for people and machines: ASCII only, two blanks of indentation, a final newline."""
    return json.dumps(document, indent=2) + "\n"
