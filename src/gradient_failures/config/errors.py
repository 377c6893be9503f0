"""Mistakes in a configuration, explained to the person who made them."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel, ValidationError


class ConfigError(ValueError):
    """A configuration that cannot be run; the message has one line for each mistake."""


def explain(
    error: ValidationError, model: type[BaseModel], written_as: Callable[[list[str]], str] = ".".join
) -> str:
    """One line for each mistake: the key, its value, what is allowed, the nearest valid key.

    Parameters
    ----------
    written_as : the dotted key under which a person has written what ``model`` has at a list of keys.
    """
    return "\n".join(_explain_one(detail, model, written_as) for detail in error.errors())


def unknown(name: str, valid: Iterable[str], kind: str) -> str:
    """What to say about a ``name`` that is none of ``valid``: the nearest that is, and all of them."""
    valid = sorted(valid)
    nearest = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else ";"
    return f"unknown {kind}{hint} Valid {kind}s here: {', '.join(valid)}"


def _explain_one(detail: Any, model: type[BaseModel], written_as: Callable[[list[str]], str]) -> str:
    location = [str(part) for part in detail["loc"] if part != "[key]"]
    key = written_as(location) or "the configuration"
    if detail["type"] == "extra_forbidden":
        valid = _valid_keys(model, location[:-1])
        return f"{key}: {unknown(location[-1], valid, 'key')}"
    if detail["type"] == "missing":
        return f"{key}: this key is missing"
    if detail["type"] in ("model_type", "dict_type"):
        return f"{key}: {detail['input']!r} is not allowed: input should be a dictionary of keys and values"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error" and isinstance(detail["input"], dict):
        return f"{key}: {message}"
    value = repr(detail["input"])
    shown = value if len(value) <= 80 else "this value"
    return f"{key}: {shown} is not allowed: {message[0].lower()}{message[1:]}"


def _valid_keys(model: type[BaseModel], location: list[str]) -> list[str]:
    """The keys that ``model`` takes at ``location``, read off its JSON schema."""
    schema = model.model_json_schema()
    node: dict[str, Any] = schema
    for part in location:
        named = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        kinds = node.get("discriminator", {}).get("mapping", {})
        chosen = {"$ref": kinds[part]} if part in kinds else node.get("properties", {}).get(part)
        node = chosen or named[0] or node.get("items", {})
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return sorted(node.get("properties", {}))
