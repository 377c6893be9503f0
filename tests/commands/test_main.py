"""The one program that hands over to the commands."""

import sys

import pytest

from gradient_failures import __main__ as program


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["gradient_failures", *arguments])
    return program.main()


def test_a_command_gets_its_own_arguments_and_its_status_is_handed_back(monkeypatch, capsys, tmp_path):
    assert call(monkeypatch, "schema") == 0
    assert capsys.readouterr().out.startswith("# Every key of config/config.yaml")
    assert call(monkeypatch, "verify", str(tmp_path)) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_an_unknown_command_is_answered_with_those_there_are(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        call(monkeypatch, "verfy")
    answer = capsys.readouterr().err
    assert all(name in answer for name in program.COMMANDS)
