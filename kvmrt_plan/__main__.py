# SPDX-License-Identifier: Apache-2.0
"""`python -m kvmrt_plan` is `kvmrt`."""

from kvmrt_plan.cli.entry import entry

entry()
