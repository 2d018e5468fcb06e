"""What Tab completes, asked as a shell asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Zoo

PROGRAM = Path(sys.executable).with_name("zoo")


def ask(*words: str, shell: str = "bash", cwd: Path | None = None) -> list[str]:
    """The answers to a line whose last word is being typed; nothing may stand on standard error."""
    environment = {**os.environ, "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    if shell == "fish":
        environment["COMP_CWORD"] = words[-1]
    done = subprocess.run(
        [PROGRAM], env={**environment, "_ZOO_COMPLETE": f"{shell}_complete"}, cwd=cwd, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "facesets").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("zoo fi", ["plain,fit"]),
        ("zoo fit --bat", ["plain,--batch-size"]),
        ("zoo fit --model vgg16", ["plain,vgg16", "plain,vgg16_bn"]),
        ("zoo fit --model=vgg16", ["plain,vgg16", "plain,vgg16_bn"]),
        ("zoo fit --model = vgg16", ["plain,vgg16", "plain,vgg16_bn"]),  # as bash breaks words
        ("zoo fit --model vgg : vgg16", ["plain,vgg16", "plain,vgg16_bn"]),
        ("zoo fit --model vgg:vgg16", ["plain,vgg:vgg16", "plain,vgg:vgg16_bn"]),  # bash told not to
        ("zoo fit --head bin", ["plain,binary"]),
        ("zoo fit --head orig", ["plain,original"]),
        ("zoo fit --augment flip --augment pho", ["plain,photo"]),
        ("zoo fit --loss foc", ["plain,focal"]),
        ("zoo fit --trainer ga", ["plain,gan"]),
        ("zoo fit --data fac", ["plain,faces", "dir,fac"]),
        ("zoo fit mi", ["plain,mine.toml", "dir,mi"]),
        ("zoo fit --model vgg16 --weights im", ["plain,imagenet", "plain,imagenet1k_v1", "file,im"]),
        ("zoo fit --model nothing --weights im", []),
        ("zoo fit --model vgg16 --freeze block2-", ["plain,block2-3", "plain,block2-4", "plain,block2-5"]),
        ("zoo fit --model vgg16 --freeze block1,block5", ["plain,block1,block5"]),
        ("zoo fit --precision bf", ["plain,bf16"]),
        ("zoo fit --resume ru", ["dir,ru"]),
        ("zoo fit --lr 1", []),
        ("zoo build resnet18", ["plain,resnet18", "dir,resnet18"]),
        ("zoo build vgg16 --weights im", ["plain,imagenet", "plain,imagenet1k_v1", "file,im"]),
        ("zoo show superv", ["plain,supervised"]),
        ("zoo list tr", ["plain,trainer"]),
        ("zoo demo demo-1", ["plain,demo-1-from-scratch"]),
        ("zoo predict ru", ["file,ru"]),
        ("zoo completion z", ["plain,zsh"]),
    ],
)
def test_names_are_completed_by_kind(place: Path, line: str, wanted: list[str]) -> None:
    assert ask(*line.split(" "), cwd=place) == wanted


def test_a_namespace_is_offered_and_its_names_where_nothing_else_begins_so(place: Path) -> None:
    assert "plain,timm:" in ask("zoo", "fit", "--model", "timm", cwd=place)
    found = ask("zoo", "fit", "--model", "convnext_ti", cwd=place)
    assert found == ["plain,timm:convnext_tiny"]
    assert "plain,block1-2" in ask("zoo", "fit", "--model", "vgg16", "--freeze", "", cwd=place)


def test_zsh_and_fish_get_summaries(place: Path) -> None:
    assert ask("zoo", "show", "superv", shell="zsh", cwd=place)[:3] == ["plain", "supervised", "One"]
    (first, *_) = ask("zoo", "show", "superv", shell="fish", cwd=place)
    assert first.startswith("plain,supervised")


def test_broken_plugins_and_nonsense_say_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "maybe")
    monkeypatch.setenv("ZOO_PLUGINS", "no-such-plugin")
    ask("zoo", "fit", "--model", "x", cwd=place)
    done = subprocess.run(
        [PROGRAM], check=False, env={**os.environ, "_ZOO_COMPLETE": "bash_complete"}, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_imports_neither_torch_nor_pydantic(tmp_path: Path) -> None:
    code = "import sys; from zoo.cli import group, _complete; _complete.answer(group, 'bash_complete');"
    code += "print(sorted({'torch', 'numpy', 'pydantic'} & {*sys.modules}), file=sys.stderr)"
    environment = {**os.environ, "COMP_WORDS": "zoo fit --model vgg", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "plain,vgg16" in done.stdout
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(zoo: Zoo, shell: str) -> None:
    status, out, err = zoo("completion", shell)
    assert (status, err) == (0, "")
    assert f"_ZOO_COMPLETE={shell}_complete" in out
    status, _, err = zoo("completion", "tcsh")
    assert (status, err.count("\n")) == (2, 1)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_a_bash_completes_with_it(place: Path) -> None:
    lines = """
        eval "$(zoo completion bash)"
        complete -p zoo
        compopt() { echo "compopt $*"; }
        tab() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _zoo_completion zoo
            echo "${COMPREPLY[*]}"
        }
        tab zoo fit --model vgg16
        tab zoo fit --model timm : convnext_ti
        tab zoo fit --model timm
        tab zoo fit --data fa
    """
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", lines], env={**os.environ, "PATH": path}, cwd=place, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "complete -o nosort -F _zoo_completion zoo",
        "vgg16 vgg16_bn",
        "convnext_tiny",
        "compopt -o nospace",
        "timm:",
        "compopt -o plusdirs",
        "faces",
    ]
