# SPDX-License-Identifier: Apache-2.0
"""`kvmrt man`: the manual pages, for packages."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kvmrt_plan.cli.manual import manual_pages
from kvmrt_plan.hosts.files import write_document

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Write all of them; the terminal has no influence."""
    # Since Python 3.14 argparse colours usages.
    os.environ["NO_COLOR"] = "1"
    pages = manual_pages()
    for name, text in pages.items():
        write_document(os.path.join(arguments.folder, name), text)
    sys.stdout.write(f"{len(pages)} pages\n")
    return 0
