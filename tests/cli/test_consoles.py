"""Consoles of few letters: what is printed there is read, and nothing dies of a letter."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from zoo.cli import _common


def narrow(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Runs `zoo ...` on a console of western Windows."""
    command = [sys.executable, "-m", "zoo", *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, check=False, env=environment, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0), (["list"], 0), (["show", "vgg16"], 0), (["show", "кот"], 2),
        (["predict", "модель", "кот.jpg"], 2),
    ],
)  # fmt: skip
def test_a_console_of_few_letters_is_no_error(arguments, status):
    done = narrow(*arguments)
    text = (done.stdout + done.stderr).decode("cp1252")
    assert done.returncode == status, text
    assert "Unicode" not in text and "Traceback" not in text and "\x1b[" not in text
    assert text


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_json_has_every_letter_on_every_console(monkeypatch, encoding):
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding=encoding, errors="replace", write_through=True) as console:
        monkeypatch.setattr(sys, "stdout", console)
        _common.emit_json({"label": "кот é"})
        assert json.loads(written.getvalue().decode(encoding)) == {"label": "кот é"}
