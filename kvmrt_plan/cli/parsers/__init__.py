# SPDX-License-Identifier: Apache-2.0
"""What each command takes: one module per command, with its name.

A module has `SUMMARY` (one line, no full stop), `EXAMPLE` and `add_arguments(parser)`, and loads nothing
but options: what the command does stands in `kvmrt_plan.cli.NAME`, which is loaded when it runs. A new
command is these two modules and its name in `COMMANDS` of arguments.py.
"""
