# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt completion` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "print the completion of a shell"
EXAMPLE = "kvmrt completion bash > /etc/bash_completion.d/kvmrt"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument("shell", choices=("bash", "zsh"), metavar="SHELL", help="bash, zsh")
