"""One text for one content: canonical JSON and its hash, the base of every identity."""

import hashlib
import json
from typing import Any


def canonical_json(obj: Any) -> str:
    """JSON text with sorted keys, no spaces and ASCII only, so that equal contents give equal bytes.

    obj     JSON types, or a pydantic model (its JSON dump is taken)

    Floats are written by their shortest round-trip form: 1, 1.0 and 1e0 in a float field give "1.0".

    Raises  ValueError for NaN and infinity, TypeError for what JSON cannot hold
    """
    content = obj.model_dump(mode="json") if hasattr(obj, "model_dump") else obj
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def sha256_text(text: str) -> str:
    """Hexadecimal SHA-256 of the UTF-8 bytes of `text` (64 characters)."""
    return hashlib.sha256(text.encode()).hexdigest()


def settings_hash(obj: Any) -> str:
    """First 8 hexadecimal digits of the SHA-256 of the canonical JSON of `obj`: the name of a settings folder."""
    return sha256_text(canonical_json(obj))[:8]
