"""The few numbers in the XML of LIME records, read without building trees and without trust.

DTDs, entities and external references are refused. What is not well-formed is searched for its tags as plain text,
and said to be malformed.
"""

import os
import re
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from gaugeflow.errors import FileError

LARGEST_XML = 1 << 20
"""Bytes; longer records of XML are refused."""


class _Leaves:
    """Target of a parser: text of the first element of every name that has no elements inside, without namespaces."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.names: set[str] = set()
        self._text: list[str] | None = None

    def start(self, name: str, _: object) -> None:
        self.names.add(_local(name))
        self._text = []

    def data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        if self._text is not None:
            self.texts.setdefault(_local(name), "".join(self._text).strip())
        self._text = None

    def close(self) -> "_Leaves":
        return self


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def plain(raw: bytes) -> bytes:
    """A record's text without the NULs, spaces and newlines around it."""
    return raw.strip(b"\0 \t\r\n")


def read_leaves(path: os.PathLike | str, record: str, raw: bytes) -> tuple[dict[str, str], bool]:
    """(name -> text of the innermost elements, whether the XML is well-formed).

    record    type of the record, for messages

    Raises    FileError for a DTD, an entity or an external reference
    """
    parser = DefusedXMLParser(target=_Leaves(), forbid_dtd=True)
    try:
        parser.feed(plain(raw))
        leaves = parser.close()
    except DefusedXmlException as error:
        raise FileError(
            f"{path}: the XML of record {record} has a DTD or an entity, which no configuration needs; it is refused"
        ) from error
    except (ParseError, ValueError, LookupError):
        text = raw.decode("latin-1")
        found = re.findall(r"<(?:\w+:)?(\w+)>([^<>]*)</(?:\w+:)?\1>", text)
        return {name: value.strip() for name, value in reversed(found)}, False
    return leaves.texts, True
