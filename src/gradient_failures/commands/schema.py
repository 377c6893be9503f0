"""The JSON schema of ``config/config.yaml``, as YAML."""

from typing import Any

import yaml

from gradient_failures.config.base import Settings
from gradient_failures.config.paper import config_model
from gradient_failures.config.problem import problems

HEADER = (
    "# Every key of config/config.yaml, generated from the models in src/gradient_failures by: make schema\n"
)


def schema() -> str:
    """The schema of the configuration, from its models; a test holds ``config/schema.yaml`` to it."""
    document = config_model().model_json_schema()
    for name, problem in problems().items():
        computations = document["$defs"][name]["properties"]
        for computation, settings in problem.computations.items():
            document["$defs"] |= _definitions(settings)
            computations[computation] |= _with_settings(settings)
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _definitions(model: type[Settings]) -> dict[str, Any]:
    """The definitions behind ``model``, and its own; each layer of a configuration may have a part of it."""
    own = model.model_json_schema(ref_template=f"#/$defs/{_name(model)}.{{model}}")
    definitions = {f"{_name(model)}.{key}": value for key, value in own.pop("$defs", {}).items()}
    for definition in [own, *definitions.values()]:
        definition.pop("required", None)
        for field in definition["properties"].values():
            if "oneOf" in field:
                field["anyOf"] = field.pop("oneOf")
    return {_name(model): own, **definitions}


def _with_settings(model: type[Settings]) -> dict[str, Any]:
    """What the schema of a computation says of its own settings, wherever it has some."""

    def settings() -> dict[str, str]:
        return {"$ref": f"#/$defs/{_name(model)}"}

    def each(value: dict[str, Any]) -> dict[str, Any]:
        return {"additionalProperties": value}

    return {
        "description": model.__doc__,
        "properties": {
            "settings": settings(),
            "settings_by": each(each(settings())),
            "grids": each({"properties": {"settings": settings()}}),
        },
    }


def _name(model: type[Settings]) -> str:
    return f"{model.__module__.split('.')[-2]}.{model.__name__}"


def run() -> int:
    """Print the schema; the exit status."""
    print(schema(), end="")
    return 0
