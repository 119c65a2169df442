# SPDX-License-Identifier: Apache-2.0
"""A domain's tree as text, in the notation that libvirt itself writes.

libvirt quotes attributes with `'`, writes namespace declarations after the attributes, and escapes
`& < > " '` wherever they stand (src/util/virbuffer.c, virBufferEscapeString); what is inside
`<metadata>` it leaves to libxml2, which quotes with `"`, declares namespaces first and escapes less. Text
that libvirt wrote therefore comes back byte for byte, and a difference between two texts is a change
that somebody made. Other documents come back equal by XML's own rules (Canonical XML); so does metadata
that declares a namespace once more that its parent has declared, which lxml does not show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


class _Notation(NamedTuple):
    quote: str
    are_namespaces_first: bool
    text: Mapping[int, str]
    attribute: Mapping[int, str]


# A parser turns a bare CR into LF, and a bare LF or TAB in an attribute into a blank; libvirt writes
# them bare and so loses them. They are spelled out here.
_CR = {"\r": "&#13;"}
_BLANKS = {"\n": "&#10;", "\t": "&#9;", **_CR}
_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_LIBVIRT = _Notation(
    quote="'",
    are_namespaces_first=False,
    text=str.maketrans({**_MARKUP, **_QUOTES, **_CR}),
    attribute=str.maketrans({**_MARKUP, **_QUOTES, **_BLANKS}),
)
_LIBXML2 = _Notation(
    quote='"',
    are_namespaces_first=True,
    text=str.maketrans({**_MARKUP, **_CR}),
    attribute=str.maketrans({**_MARKUP, '"': "&quot;", **_BLANKS}),
)


def format_domain(root: _Element) -> str:
    """The document with a final line break, without an XML declaration (the text is no bytes)."""
    before = [_format_other(node) for node in root.itersiblings(preceding=True)]
    behind = [_format_other(node) for node in root.itersiblings()]
    written: list[str] = []
    _write(written, root, {}, _LIBVIRT)
    return "\n".join([*reversed(before), "".join(written), *behind, ""])


def _format_other(node: _Element) -> str:
    """A comment or processing instruction."""
    return etree.tostring(node, encoding="unicode", with_tail=False)


def _write(
    written: list[str], element: _Element, scope: Mapping[str | None, str], notation: _Notation
) -> None:
    """Recursion ends where the parser does, at 256 levels."""
    if element.tag == "metadata":
        notation = _LIBXML2
    declared, inner_scope = _declarations(element, scope)
    tag = _qualified(str(element.tag), element.prefix)
    attributes = [
        (_qualified_attribute(str(name), inner_scope), str(value))
        for name, value in element.attrib.items()
    ]
    parts = [*declared, *attributes] if notation.are_namespaces_first else [*attributes, *declared]
    quote = notation.quote
    written.append(f"<{tag}")
    written.extend(f" {n}={quote}{v.translate(notation.attribute)}{quote}" for n, v in parts)
    if not len(element) and not element.text:
        written.append("/>")
        return
    written.append(">")
    _write_content(written, element, inner_scope, notation)
    written.append(f"</{tag}>")


def _write_content(
    written: list[str], element: _Element, scope: Mapping[str | None, str], notation: _Notation
) -> None:
    written.append((element.text or "").translate(notation.text))
    for child in element:
        if isinstance(child.tag, str):
            _write(written, child, scope, notation)
        else:
            written.append(_format_other(child))
        written.append((child.tail or "").translate(notation.text))


def _declarations(
    element: _Element, scope: Mapping[str | None, str]
) -> tuple[list[tuple[str, str]], Mapping[str | None, str]]:
    """The namespace declarations that the element needs beyond its parent's, and its own scope."""
    nsmap: dict[str | None, str] = dict(element.nsmap)
    if scope.get(None) and str(element.tag)[0] != "{":
        nsmap[None] = ""
    new = {prefix: uri for prefix, uri in nsmap.items() if scope.get(prefix) != uri}
    if not new:
        return [], scope
    declared = [(f"xmlns:{prefix}" if prefix else "xmlns", uri) for prefix, uri in new.items()]
    return declared, {**scope, **new}


def _qualified(name: str, prefix: str | None) -> str:
    local = name.rpartition("}")[2]
    return f"{prefix}:{local}" if prefix else local


def _qualified_attribute(name: str, scope: Mapping[str | None, str]) -> str:
    """Attributes take their namespace from a prefix alone; the default one does not reach them."""
    uri = name[1:].rpartition("}")[0]
    if not uri:
        return name
    if uri == _XML_NAMESPACE:
        return _qualified(name, "xml")
    return _qualified(
        name, next(prefix for prefix, known in scope.items() if prefix and known == uri)
    )
