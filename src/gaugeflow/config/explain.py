"""pydantic's errors as lines that say where, got, wanted and what to do."""

import difflib
from collections.abc import Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from gaugeflow.config.fields import as_tuples
from gaugeflow.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)

MAX_SHOWN = 5

_WANTED = {
    "missing": "this key",
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping of keys",
    "finite_number": "a finite number",
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number less than {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_pattern_mismatch": "text of the form {pattern}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "a list of at least {min_length} entries",
    "too_long": "a list of at most {max_length} entries",
    "literal_error": "{expected}",
    "union_tag_not_found": "a mapping with the key kind",
    "union_tag_invalid": "{discriminator} to be one of {expected_tags}, not {tag!r}",
}


def validated(model: type[Model], content: Any, where: str) -> Model:
    """`content` (parsed YAML or JSON) as a model.

    where   file name, the beginning of every message

    Raises  ConfigError with up to five lines: file, key path, got, wanted, what to do
    """
    try:
        return model.model_validate(as_tuples(content))
    except ValidationError as error:
        found = error.errors(include_url=False)
        inner = {item["loc"][:length] for item in found for length in range(len(item["loc"]))}
        # A list whose entries are faulty is also reported as too short: the entries say it better.
        lines = [_line(item, content, model, where) for item in found if item["loc"] not in inner]
        hidden = len(lines) - MAX_SHOWN
        if hidden > 0:
            lines = [*lines[:MAX_SHOWN], f"{where}: and {hidden} more"]
        raise ConfigError("\n".join(lines)) from error


def key_path(parts: Sequence[int | str]) -> str:
    """("scales", "tiny", "ensembles", 0, "beta") -> "scales.tiny.ensembles[0].beta"."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".") or "(top level)"


def _line(item: Any, content: Any, model: type[BaseModel], where: str) -> str:
    path = _real_path(item, content)
    key = key_path(path)
    if item["type"] == "extra_forbidden":
        return f"{where}: {key}: got an unknown key, wanted {_suggestion(str(path[-1]), model)}; correct or remove it"
    if item["type"] == "missing":
        return f"{where}: {key}: got nothing, wanted this key; add it"
    if item["type"] == "value_error":
        return f"{where}: {_broken_rule(path, item['input'], str(item['ctx']['error']))}; correct it"
    if item["type"] == "union_tag_invalid":
        kinds = item["ctx"]["expected_tags"].replace("<", "").replace(">", "")
        got = _short(item["input"]["kind"]) if "kind" in item["input"] else "nothing"
        return f"{where}: {key}.kind: got {got}, wanted one of {kinds}; correct it"
    wanted = _WANTED.get(item["type"], item["msg"]).format(**item.get("ctx", {}))
    return f"{where}: {key}: got {_short(item['input'])}, wanted {wanted}; correct it"


def _broken_rule(path: tuple[int | str, ...], value: Any, message: str) -> str:
    """A validator's message; it may name the key of its mapping that is at fault ("label: ...")."""
    if isinstance(value, dict):
        name, colon, rest = message.partition(": ")
        if not colon or name not in value:
            return f"{key_path(path)}: wanted {message}"
        path, value, message = (*path, name), value[name], rest
    return f"{key_path(path)}: got {_short(value)}, wanted {message}"


def _real_path(item: Any, content: Any) -> tuple[int | str, ...]:
    """The location as it is in the file: without pydantic's union tags and without the index of a scan of one."""
    loc = item["loc"]
    shorter = [loc[:i] + loc[i + 1 :] for i, part in enumerate(loc) if part == 0]
    for candidate in (loc, *shorter):
        path, value = _walk(candidate, content, item["type"])
        if value is item["input"] or as_tuples(value) == item["input"]:
            return path
    return _walk(loc, content, item["type"])[0]


def _walk(loc: Sequence[int | str], content: Any, kind: str) -> tuple[tuple[int | str, ...], Any]:
    """The steps of a location that exist in the content (or the missing key), and the value where they lead."""
    path: list[int | str] = []
    for position, part in enumerate(loc):
        named = isinstance(content, dict) and isinstance(part, str) and part in content
        numbered = isinstance(content, list | tuple) and isinstance(part, int) and part < len(content)
        if named or numbered:
            content = content[part]
        elif not (kind == "missing" and position == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path), content


def _suggestion(name: str, model: type[BaseModel]) -> str:
    known = sorted(_all_keys(model))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"perhaps {close[0]!r}" if close else f"a key of the schema ({', '.join(sorted(model.model_fields))}, ..)"


def _all_keys(annotation: Any) -> set[str]:
    """Names of the fields of a model and of all models inside."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return set(fields).union(*(_all_keys(field.annotation) for field in fields.values()))
    return set().union(*(_all_keys(part) for part in get_args(annotation)), set())


def _short(value: Any) -> str:
    """The value as text of at most 60 characters; tuples shown as the lists that they were in the file."""
    if isinstance(value, dict):
        return f"a mapping with keys {', '.join(map(str, list(value)[:5]))}"
    text = (
        repr(value).replace("(", "[").replace(",)", "]").replace(")", "]") if isinstance(value, tuple) else repr(value)
    )
    return text if len(text) <= 60 else text[:57] + "..."
