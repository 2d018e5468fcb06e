"""The command line, called in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zoo.cli import main


class Zoo:
    """Runs `zoo ...`: the exit status, and what was printed to standard output and standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = self.capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    def json(self, *arguments: object) -> Any:
        """What `--json` prints, where nothing else is said and all is well; a training tells of no epochs."""
        quiet = ["--quiet"] * (arguments[0] == "fit")
        status, out, err = self(*arguments, *quiet, "--json")
        assert (status, err) == (0, "")
        return json.loads(out)


@pytest.fixture
def zoo(capsys: pytest.CaptureFixture[str]) -> Zoo:
    return Zoo(capsys)
