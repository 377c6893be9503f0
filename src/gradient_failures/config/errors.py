"""Mistakes in a configuration, explained to the person who made them."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError


class ConfigError(ValueError):
    """A configuration that cannot be run; the message has one line for each mistake."""


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """One line for each mistake: the key, its value, what is allowed, the nearest valid key."""
    return "\n".join(_explain_one(detail, model) for detail in error.errors())


def _explain_one(detail: Any, model: type[BaseModel]) -> str:
    location = [str(part) for part in detail["loc"]]
    key = ".".join(location) or "the configuration"
    if detail["type"] == "extra_forbidden":
        valid = _valid_keys(model, location[:-1])
        nearest = difflib.get_close_matches(location[-1], valid, n=1, cutoff=0.5)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else ";"
        return f"{key}: unknown key{hint} Valid keys here: {', '.join(valid)}"
    if detail["type"] == "missing":
        return f"{key}: this key is missing"
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
        named = list(node.get("patternProperties", {}).values())
        node = node.get("properties", {}).get(part) or (named[0] if named else node.get("items", {}))
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return sorted(node.get("properties", {}))
