"""A process that reads mutated files under a memory limit: `python -m formats.mutations FOLDER COUNT`.

Prints one line of JSON per mutation: format, kind, outcome ("refused", "read", or the traceback of anything else),
seconds, and for a flip inside the links whether a checksum tells it. The last line is the peak of resident memory.
"""

import json
import resource
import struct
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from gaugeflow.errors import FileError
from gaugeflow.formats.lime import record_bytes, record_header
from gaugeflow.formats.reading import LinkFile, read_header

LIMIT = 1 << 30
ABSURD = (0, -1, 1, 3, 7, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64, 10**40)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12))
    + b"]><ildgFormat><lx>&m;</lx></ildgFormat>"
)
DEEP = b"<a>" * 200_000
EXTERNAL = b'<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/hostname">]><ildgFormat><lx>&x;</lx></ildgFormat>'


def truncate(raw, offset, payload, rng):
    return raw[: int(rng.integers(len(raw)))]


def flip_anywhere(raw, offset, payload, rng):
    return flip(raw, int(rng.integers(len(raw))), rng)


def flip_header(raw, offset, payload, rng):
    return flip(raw, int(rng.integers(offset)), rng)


def flip_links(raw, offset, payload, rng):
    return flip(raw, int(rng.integers(offset, offset + payload)), rng)


def flip(raw, position, rng):
    out = bytearray(raw)
    out[position] ^= 1 << int(rng.integers(8))
    return bytes(out)


def rubbish(raw, offset, payload, rng):
    return raw + rng.bytes(int(rng.integers(1, 400)))


def garbage(raw, offset, payload, rng):
    """Random bytes over a stretch of the header, or from the start on."""
    length = int(rng.integers(1, offset + 1))
    start = int(rng.integers(offset - length + 1))
    return raw[:start] + rng.bytes(length) + raw[start + length :]


def wrong_magic(raw, offset, payload, rng):
    return rng.bytes(int(rng.integers(1, 9))) + raw[8:]


def absurd_dimensions(raw, offset, payload, rng):
    """A whole number of the header replaced: digits of texts, 32-bit integers of binary headers."""
    value = ABSURD[int(rng.integers(len(ABSURD)))]
    if raw[:4] in (b"\x45\x67\x89\xab", b"BEGI"):
        digits = [i for i in range(offset) if raw[i : i + 1].isdigit()]
        at = digits[int(rng.integers(len(digits)))]
        text = str(value).encode()
        if raw[:4] == b"BEGI":
            return raw[:at] + text + raw[at + 1 :]
        return raw[:at] + (text + raw[at + 1 :])[: len(raw) - at]
    at = 4 * int(rng.integers(5))
    return raw[:at] + struct.pack(str(rng.choice(["<I", ">I"])), value % 2**32) + raw[at + 4 :]


def huge_record(raw, offset, payload, rng):
    """A LIME record of absurd length in front; other formats get eight bytes of an absurd number."""
    length = (2**63, 2**64 - 1, 2**64 - 200, 2**40, len(raw))[int(rng.integers(5))]
    if raw[:4] == b"\x45\x67\x89\xab":
        return record_header("ildg-format", length, 0) + raw
    at = int(rng.integers(max(1, offset - 8)))
    return raw[:at] + struct.pack(">Q", length) + raw[at + 8 :]


def bomb(raw, offset, payload, rng):
    """XML that grows, nests or reads other files, in front of the true records."""
    xml = (BOMB, DEEP, EXTERNAL, b" " * (1 << 20), b"<lx>" * 100_000, b"<lx>" + b" " * 900_000)[int(rng.integers(6))]
    name = ("ildg-format", "scidac-private-file-xml", "scidac-checksum", "scidac-record-xml")[int(rng.integers(4))]
    return record_bytes(name, xml) + raw


def many_records(raw, offset, payload, rng):
    return record_bytes("x", b"") * int(rng.integers(2000, 20_000)) + raw


KINDS = (
    truncate,
    flip_anywhere,
    flip_header,
    flip_links,
    rubbish,
    garbage,
    wrong_magic,
    absurd_dimensions,
    huge_record,
    bomb,
    many_records,
)


def judge(path):
    """("refused" | "read" | traceback, checksums or None)."""
    try:
        header = read_header(path)
        with LinkFile(path, header) as file:
            for _, reals in file.blocks():
                assert reals.ndim == 8
            return "read", file.checksums
    except FileError as error:
        return ("refused" if "\n" not in str(error) and len(str(error)) < 2000 else f"message {error}"), None
    except BaseException:  # noqa: BLE001 - whatever it is, the parent shows it
        return traceback.format_exc(), None


def main(folder, count):
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    for path in sorted(Path(folder).iterdir()):
        raw = path.read_bytes()
        header = read_header(path)
        _, sound = judge(path)
        rng = np.random.default_rng(2024)
        target = path.with_suffix(".mutated")
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            mutated = kind(raw, header.offset, header.payload_bytes, rng)
            target.write_bytes(mutated)
            start = time.monotonic()
            outcome, sums = judge(target)
            seconds = time.monotonic() - start
            told = None if kind is not flip_links else sums is not None and all(sums[k] != sound[k] for k in sums)
            row = {"file": path.name, "kind": kind.__name__, "same": mutated == raw, "outcome": outcome}
            print(json.dumps({**row, "seconds": seconds, "told": told}))
        target.unlink()
    print(json.dumps({"peak": peak()}))


def peak():
    """Largest resident memory in bytes; that of getrusage knows the parent's size at the fork."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
