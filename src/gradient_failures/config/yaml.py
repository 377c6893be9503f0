"""Reading the YAML files of the configuration."""

from pathlib import Path
from typing import Any

import yaml

from gradient_failures.config.errors import ConfigError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml, ten times as fast, where PyYAML was built with it."""


def parse_yaml(text: str | bytes) -> Any:
    """What ``text`` says, in plain types; a ``yaml.YAMLError`` if it is not YAML."""
    return yaml.load(text, LOADER)


def read_yaml(path: str) -> Any:
    """The content of ``path``; a :class:`ConfigError` names the file if it is missing, empty or not YAML."""
    try:
        content = parse_yaml(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    if not content:
        raise ConfigError(f"{path}: is empty")
    return content
