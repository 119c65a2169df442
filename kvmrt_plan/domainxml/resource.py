# SPDX-License-Identifier: Apache-2.0
"""`<resource><partition>`: the control group in which the guest's own one is made.

libvirt (formatdomain.html, "Resource partitioning"): absolute, `/machine` when nothing is said, which a
running guest's XML spells out; with systemd `/name` is the unit `name.slice`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.domainxml import tree
from kvmrt_plan.domainxml.setting import refuse

if TYPE_CHECKING:
    from lxml.etree import _Element

_DEFAULT = "/machine"
_PATH = re.compile(r"(?:/[A-Za-z0-9._-]+)+")


class Resource:
    """Key `partition`; the path. The default has no key, written or not."""

    families = ("partition",)

    def read(self, domain: _Element) -> dict[str, str]:
        """The path, unless it is the default."""
        path = tree.text_of(tree.first(domain, "resource", "partition"))
        return {} if path in ("", _DEFAULT) else {"partition": path}

    def write(self, domain: _Element, key: str, value: str | None) -> None:
        """Set the path; None leaves the choice to libvirt.

        Raises:
            ValueError: a foreign key, or a text that is no such path.
        """
        if key != "partition":
            raise ValueError(f"{key!r} is not of this setting")
        if value is None:
            for partition in list(tree.each(domain, "resource", "partition")):
                tree.remove(partition)
            return
        if not _PATH.fullmatch(value) or value == _DEFAULT:
            raise refuse(key, value, "an absolute path such as /rt, other than the default")
        tree.set_text(tree.reach(domain, "resource", "partition"), value)
