"""Places in a folder that cannot be written to, as systems tell of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zoo.spec.disk import places
from zoo.spec.disk.places import OccupiedError, check_places


def test_a_mounted_file_is_found_where_the_system_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "a b"
    home.mkdir()
    (home / "README.md").touch()
    check_places(home, ["README.md"])
    told = f"1 2 0:1 / {str(home.resolve()).replace(' ', chr(92) + '040')}/README.md rw - ext4 x rw\n\nodd\n"
    (tmp_path / "mounts").write_text(told)
    monkeypatch.setattr(places, "_MOUNTS", tmp_path / "mounts")
    check_places(home, ["config.json"])
    with pytest.raises(OccupiedError, match=r"README.md, which is mounted by itself"):
        check_places(home, ["README.md"])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners of files there")
def test_a_sticky_folder_keeps_the_files_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").touch()
    (tmp_path / "status").write_text("CapEff:\t0000000000000000\n")
    monkeypatch.setattr(places, "_STATUS", tmp_path / "status")
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    check_places(tmp_path, ["README.md"])
    tmp_path.chmod(0o1777)
    with pytest.raises(OccupiedError, match=r"another user's README.md in a folder where owners alone"):
        check_places(tmp_path, ["README.md"])
    (tmp_path / "status").write_text("CapEff:\t0000000000000008\n")
    check_places(tmp_path, ["README.md"])
    monkeypatch.setattr(os, "geteuid", lambda: me)
    check_places(tmp_path, ["README.md"])
