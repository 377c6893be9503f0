"""The one program that hands over to the commands."""

import pytest

from gradient_failures.__main__ import main

COMMANDS = {
    "verify": ["{}"],
    "compare": ["{}", "{}"],
    "publish": ["{}", "{}/kept"],
}
"""Commands that read results, with their arguments for those in a folder."""


@pytest.mark.parametrize(("command", "status"), [("verify", 1), ("compare", 2), ("publish", 1)])
def test_a_command_gets_its_own_arguments_and_its_status_is_handed_back(capsys, tmp_path, command, status):
    arguments = [argument.format(tmp_path) for argument in COMMANDS[command]]
    assert main([command, *arguments]) == status
    assert str(tmp_path) in capsys.readouterr().err


def test_the_schema_goes_to_the_standard_output(capsys):
    assert main(["schema"]) == 0
    assert capsys.readouterr().out.startswith("# Every key of config/config.yaml")


def test_an_unknown_command_is_answered_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["verfy"])
    answer = capsys.readouterr().err
    assert all(name in answer for name in [*COMMANDS, "schema"])


@pytest.mark.parametrize("command", [[], *([name] for name in [*COMMANDS, "schema"])])
def test_every_command_has_a_help(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    assert " ".join(["usage: python -m gradient_failures", *command]) in capsys.readouterr().out
