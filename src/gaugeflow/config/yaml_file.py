"""Safe YAML with the number and boolean words of YAML 1.2; duplicate keys are refused."""

import re
from pathlib import Path
from typing import Any

import yaml

from gaugeflow.errors import ConfigError

MAX_BYTES = 4 * 1024 * 1024
MERGE = "tag:yaml.org,2002:merge"

_FLOAT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader whose words are those of YAML 1.2: `no` is a string, 1e0 a float, 1_1 and 12:30 strings."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is not text", key_node.start_mark)
            if key in seen:
                problem = f"key {key!r} stands twice, first in line {seen[key]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen[key] = line
        return super().construct_mapping(node, deep=deep)

    def construct_int(self, node: yaml.ScalarNode) -> int:
        return int(self.construct_scalar(node))

    def construct_float(self, node: yaml.ScalarNode) -> float:
        return float(self.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan"))

    def compose_document(self) -> Any:
        node = super().compose_document()
        _refuse_deep_aliases(node)
        return node


_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"), list("-+.")
)
_StrictLoader.add_implicit_resolver(MERGE, re.compile(r"^<<$"), ["<"])
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_float)


def _refuse_deep_aliases(node: Any) -> None:
    """Aliases that multiply (or contain themselves) would expand without bound."""
    stack, visits, open_nodes = [(node, False)], 0, set()
    while stack:
        item, leaving = stack.pop()
        if leaving:
            open_nodes.discard(id(item))
            continue
        if isinstance(item, yaml.ScalarNode) or item is None:
            continue
        visits += 1
        if visits > 100_000 or id(item) in open_nodes:
            raise yaml.constructor.ConstructorError(
                None, None, "aliases contain themselves or expand too far", item.start_mark
            )
        open_nodes.add(id(item))
        stack.append((item, True))
        children = item.value if isinstance(item, yaml.SequenceNode) else [part for pair in item.value for part in pair]
        stack.extend((child, False) for child in children)


def read_yaml(path: Path) -> Any:
    """Content of a YAML file as dictionaries, lists, numbers and strings.

    Raises  ConfigError naming file, line and reason: not readable, too large, not UTF-8, not YAML, a key twice
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            f"{path}: got {len(raw)} bytes, wanted a study file of at most {MAX_BYTES}; is this the right file?"
        )
    try:
        return yaml.load(raw.decode("utf-8"), Loader=_StrictLoader)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8, wanted a text file; save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: {error.problem or error.context}; wanted YAML, correct this line") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: not YAML ({reason}); wanted a study file") from error
