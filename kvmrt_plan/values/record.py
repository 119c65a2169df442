# SPDX-License-Identifier: Apache-2.0
"""Frozen values with named fields, as dataclasses make them, for what the quick views load.

`kvmrt topology` has 39 ms in all: dataclasses and the modules they load take 10 of them, typing and re
15 (a class of named tuples needs both). Where that does not matter, dataclasses are used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_: bool) -> object:
        """For the type checker only."""
        return lambda made: made


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """Base of a class whose annotations are its fields; a value in the class is a field's default."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _names: ClassVar[frozenset[str]] = frozenset()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)
        cls._names = frozenset(cls._fields)
        cls._defaults = {name: vars(cls)[name] for name in cls._fields if name in vars(cls)}

    def __init__(self, **values: Any) -> None:
        own = self.__dict__
        own.update(self._defaults)
        own.update(values)
        if own.keys() != self._names:
            differing = sorted(own.keys() ^ self._names)
            raise TypeError(f"{type(self).__name__}: missing or unknown: {', '.join(differing)}")

    def replace(self, **changes: Any) -> Self:
        """The same with other values in some fields."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__[name] for name in self._fields))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"
