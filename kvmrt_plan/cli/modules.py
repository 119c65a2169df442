# SPDX-License-Identifier: Apache-2.0
"""Which modules a command has: `cli/MODULE.py` runs it, `cli/parsers/MODULE.py` says what it takes."""

#: Commands whose name cannot be a module's: `import` is a word of Python's own.
_OTHER = {"import": "importing"}


def module_of(command: str) -> str:
    """The name of the two modules of a command."""
    return _OTHER.get(command, command).replace("-", "_")
