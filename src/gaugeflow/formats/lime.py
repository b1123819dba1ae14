"""LIME: a file as a row of records.

A record is a header of 144 bytes, big-endian, and its content, filled up with zeros to a multiple of 8 bytes:

    u32 magic 0x456789ab | u16 version 1 | u16 flags | u64 length of the content | 128 bytes type, filled with NUL

Flags: 0x8000 on the first record of a message, 0x4000 on its last. (C-LIME manual of USQCD.)
"""

import struct
from dataclasses import dataclass

from gaugeflow.errors import FileError
from gaugeflow.formats.file_bytes import FileBytes

MAGIC = 0x456789AB
SIGNATURE = MAGIC.to_bytes(4, "big")
RECORD_HEADER = struct.Struct(">IHHQ128s")
BEGIN, END = 0x8000, 0x4000
MOST_RECORDS = 1000
"""A file with more is refused: a configuration has about ten."""


@dataclass(frozen=True)
class Record:
    """A record's type, and the place of its content in the file."""

    type: str
    offset: int
    length: int


def padding(length: int) -> int:
    """Zeros behind a content of `length` bytes."""
    return -length % 8


def scan_records(file: FileBytes) -> tuple[Record, ...]:
    """All records, from their headers alone.

    Raises    FileError for a broken header, a length beyond the end of the file, bytes behind the last record, or
              more than MOST_RECORDS
    """
    records: list[Record] = []
    position = 0
    while position < file.size:
        if len(records) == MOST_RECORDS:
            raise FileError(f"{file.path}: has more than {MOST_RECORDS} LIME records, wanted about ten")
        record = _record_at(file, position)
        records.append(record)
        position = record.offset + record.length + padding(record.length)  # the last padding may be missing
    return tuple(records)


def _record_at(file: FileBytes, position: int) -> Record:
    raw = file.read(position, RECORD_HEADER.size)
    if len(raw) < RECORD_HEADER.size or raw[:4] != SIGNATURE:
        raise FileError(
            f"{file.path}: got {file.size - position} bytes behind the last LIME record, from byte {position} on, "
            "wanted none or another record; the file is damaged or was appended to"
        )
    _, version, _, length, name = RECORD_HEADER.unpack(raw)
    record = Record(_printable(name.partition(b"\0")[0]), position + RECORD_HEADER.size, length)
    if version != 1:
        raise FileError(f"{file.path}: got LIME version {version} at byte {position}, wanted 1; the file is damaged")
    missing = record.offset + length - file.size
    if missing > 0:
        raise FileError(
            f"{file.path}: LIME record {record.type} at byte {position} says {length} bytes, {missing} too few are in "
            "the file; it is cut or damaged, copy it again"
        )
    return record


def _printable(name: bytes) -> str:
    return name.decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")


def record_header(name: str, length: int, flags: int) -> bytes:
    """The 144 bytes in front of a content."""
    return RECORD_HEADER.pack(MAGIC, 1, flags, length, name.encode("ascii"))


def record_bytes(name: str, content: bytes, flags: int = 0) -> bytes:
    """A whole record with its padding."""
    return record_header(name, len(content), flags) + content + bytes(padding(len(content)))
