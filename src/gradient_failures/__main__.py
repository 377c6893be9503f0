"""What a person calls: ``python -m gradient_failures COMMAND``."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; what a command gets is named after the parameters of its ``run``."""
    program = argparse.ArgumentParser(prog="python -m gradient_failures", description=__doc__)
    commands = program.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, purpose: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=purpose, description=purpose)

    verify = command("verify", "Check every result of a run against the SHA-256 in its crate.")
    verify.add_argument("folder", nargs="?", default="results", type=Path, help="results of the run")
    statuses = "Exit status: 0 if the same, 1 if not, 2 if one is not readable."
    compare = command("compare", f"Compare two runs. {statuses}")
    compare.add_argument("first", metavar="A", type=Path, help="results of run A")
    compare.add_argument("second", metavar="B", type=Path, help="results of run B")
    publish = command("publish", "Keep the report of a run without its data.")
    publish.add_argument("results", type=Path, help="results of the run")
    publish.add_argument("folder", type=Path, help="where to keep its report")
    command("schema", "Print the JSON schema of the configuration.")
    return program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that is named; its exit status."""
    options = vars(parser().parse_args(arguments))
    module = importlib.import_module(f"gradient_failures.commands.{options.pop('command')}")
    status: int = module.run(**options)
    return status


if __name__ == "__main__":
    sys.exit(main())
