# SPDX-License-Identifier: Apache-2.0
"""A domain's XML text as a tree, and all settings of it as one table.

The text is data from outside: nothing in it is fetched or expanded. A DOCTYPE is refused unread (libvirt
writes none, and entities are the usual bombs), size and depth are bounded. Parsing raises
`DomainXmlError` and nothing else, whatever the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from kvmrt_plan.domainxml.balloon import Balloon
from kvmrt_plan.domainxml.cpu_model import CpuModel
from kvmrt_plan.domainxml.cputune import Cputune
from kvmrt_plan.domainxml.features import Features
from kvmrt_plan.domainxml.identity import Identity
from kvmrt_plan.domainxml.iothreads import Iothreads
from kvmrt_plan.domainxml.memory import MemoryBacking
from kvmrt_plan.domainxml.notation import format_domain
from kvmrt_plan.domainxml.numa import Numa
from kvmrt_plan.domainxml.resource import Resource
from kvmrt_plan.domainxml.scheduler import Scheduler
from kvmrt_plan.domainxml.timers import Timers
from kvmrt_plan.domainxml.topology import Topology
from kvmrt_plan.domainxml.vcpu import Vcpu
from kvmrt_plan.errors import DomainXmlError

if TYPE_CHECKING:
    from lxml.etree import _Element

    from kvmrt_plan.domainxml.setting import Setting

__all__ = ["MAX_BYTES", "SETTINGS", "format_domain", "is_owned", "parse_domain", "read_settings",
           "write_setting"]  # fmt: skip

#: Texts beyond this are refused; libvirt's own limit for a definition over its protocol is 4 MiB
#: (REMOTE_STRING_MAX, src/remote/remote_protocol.x).
MAX_BYTES = 4 * 1024 * 1024

SETTINGS: tuple[Setting, ...] = (
    Identity(), Vcpu(), Iothreads(), Cputune(), Scheduler(), Numa(), MemoryBacking(), Features(),
    Topology(), CpuModel(), Timers(), Balloon(), Resource(),
)  # fmt: skip

_FAMILIES = {family: setting for setting in SETTINGS for family in setting.families}

# Only the prolog can hold a DOCTYPE; in a comment or text the word means nothing. Atomic and possessive,
# so that a hostile text cannot make the search try again.
_DOCTYPE = re.compile(r"\ufeff?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)

_SEE_LIBVIRT = "look at it with `virsh dumpxml --inactive`, repair it with `virsh edit`"


def parse_domain(xml: str, *, domain: str) -> _Element:
    """The root `<domain>` of the document; comments before and behind it stay reachable.

    An XML declaration is passed over: the text is decoded already, whatever encoding it claims.

    Args:
        xml: the document.
        domain: what errors call it; a name or a UUID.

    Raises:
        DomainXmlError: not well-formed, a DOCTYPE, too large or too deep, or no domain.
    """
    raw = _encode(xml, domain)
    if "<!DOCTYPE" in xml and _DOCTYPE.match(xml):
        raise DomainXmlError(domain, "its XML has a DOCTYPE", "remove it; libvirt writes none")
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        line = error.position[0] or 1
        problem = (error.msg or "nothing could be read").partition(", line ")[0].strip()
        text = f"its XML is not well-formed at line {line}: {problem}"
        raise DomainXmlError(domain, text, _SEE_LIBVIRT) from None
    if root.tag != "domain":
        text = f"its XML has the root <{str(root.tag)[:80]}>, not <domain>"
        raise DomainXmlError(domain, text, "give the output of `virsh dumpxml --inactive`")
    return root


def read_settings(root: _Element) -> dict[str, str]:
    """The canonical value of every owned key that the document carries."""
    found: dict[str, str] = {}
    for setting in SETTINGS:
        found.update(setting.read(root))
    return found


def write_setting(root: _Element, key: str, value: str | None) -> None:
    """Make one key's value be so, None: absent; nothing else in the tree changes.

    Raises:
        ValueError: an unknown key, or a value that is not of it.
    """
    setting = _FAMILIES.get(key.partition(" ")[0])
    if setting is None:
        raise ValueError(f"{key!r} is no setting of a domain")
    setting.write(root, key, value)


def is_owned(key: str) -> bool:
    """Whether some setting serves the key (its number, where it has one, may be any)."""
    return key.partition(" ")[0] in _FAMILIES


def _parser() -> etree.XMLParser:
    """Cheap to make (measured: 20 us), and one of its own per document keeps no errors of others."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_blank_text=False,
        remove_comments=False,
        remove_pis=False,
        collect_ids=False,
    )


def _encode(xml: str, domain: str) -> bytes:
    if len(xml) > MAX_BYTES:
        raise DomainXmlError(domain, "its XML is larger than 4 MiB", _SEE_LIBVIRT)
    try:
        raw = xml.encode()
    except UnicodeEncodeError as error:
        text = f"its XML holds a character that is none, at offset {error.start}"
        raise DomainXmlError(domain, text, _SEE_LIBVIRT) from None
    if len(raw) > MAX_BYTES:
        raise DomainXmlError(domain, "its XML is larger than 4 MiB", _SEE_LIBVIRT)
    return raw
