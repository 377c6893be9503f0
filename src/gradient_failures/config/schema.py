"""Print the JSON schema of ``config/config.yaml`` as YAML: ``python -m gradient_failures.config.schema``."""

import yaml

from gradient_failures.config.paper import PaperConfig


def schema() -> str:
    """The schema of the configuration, from its models; a test holds ``config/schema.yaml`` to it."""
    header = (
        "# Every key of config/config.yaml, generated from src/gradient_failures/config by: make schema\n"
    )
    return header + yaml.safe_dump(
        PaperConfig.model_json_schema(), sort_keys=False, allow_unicode=True, width=110
    )


if __name__ == "__main__":
    print(schema(), end="")
