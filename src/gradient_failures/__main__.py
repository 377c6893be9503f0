"""What a person calls: ``python -m gradient_failures COMMAND``."""

import argparse
import importlib
import sys

COMMANDS = {
    "verify": "check results against the checksums in their crate",
    "compare": "say what differs between the results of two runs",
    "publish": "keep the report of a run without its data",
    "schema": "print the JSON schema of the configuration",
}


def main() -> int:
    """Hand over to the command that is named; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m gradient_failures", description=__doc__)
    listing = "; ".join(f"{name}: {purpose}" for name, purpose in COMMANDS.items())
    parser.add_argument("command", choices=COMMANDS, help=listing)
    command = parser.parse_args(sys.argv[1:2]).command
    module = importlib.import_module(f"gradient_failures.commands.{command}")
    status: int = module.main(sys.argv[2:])
    return status


if __name__ == "__main__":
    sys.exit(main())
