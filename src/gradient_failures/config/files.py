"""Reading the YAML files of the configuration."""

from pathlib import Path
from typing import Any

import yaml

from gradient_failures.config.errors import ConfigError

_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_yaml(path: str) -> Any:
    """The content of ``path``; a :class:`ConfigError` names the file if it is missing, empty or not YAML."""
    try:
        content = yaml.load(Path(path).read_bytes(), _Loader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    if not content:
        raise ConfigError(f"{path}: is empty")
    return content
