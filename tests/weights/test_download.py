"""Files of the Hub, with a client that is scripted: what is taken, what is asked twice, what is refused."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from zoo.spec.errors import WeightsError
from zoo.weights import client
from zoo.weights.client import is_passing, patiently, reachable, talking
from zoo.weights.download import Snapshot

GOOD = b"good"
SHA = hashlib.sha256(GOOD).hexdigest()


class Hub:
    """Writes what it is told to write, one content a download."""

    def __init__(self, folder: Path, *contents: bytes, size: int | None = 4) -> None:
        self.folder, self.contents, self.size, self.asked = folder, list(contents), size, []

    def __call__(self, repo: str, name: str, **given: Any) -> Any:
        self.asked.append(given)
        if given.get("dry_run"):
            return SimpleNamespace(file_size=self.size)
        if given.get("force_download") or not (self.folder / name).exists():
            (self.folder / name).write_bytes(self.contents.pop(0))
        return str(self.folder / name)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*contents: bytes, **more: Any) -> Hub:
        made = Hub(tmp_path, *contents, **more)
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", made)
        return made

    return make


def snapshot(**more: Any) -> Snapshot:
    return Snapshot(text="weights", repo="owner/name", commit="c" * 40, hint="go online", **more)


def test_a_file_of_another_content_is_fetched_once_more(hub: Any) -> None:
    made = hub(b"evil", GOOD)
    assert snapshot().file("a.bin", sha256=SHA).read_bytes() == GOOD
    assert [given["force_download"] for given in made.asked] == [False, True]


def test_a_file_in_the_cache_that_has_changed_since_is_fetched_once_more(hub: Any) -> None:
    hub(GOOD, GOOD)
    path = snapshot().file("a.bin", sha256=SHA)
    path.write_bytes(b"evil, now")
    assert snapshot().file("a.bin", sha256=SHA).read_bytes() == GOOD


def test_another_content_twice_is_refused(hub: Any) -> None:
    hub(b"evil", b"evil")
    with pytest.raises(WeightsError, match=f"expected sha256 {SHA[:12]}.*another content, twice"):
        snapshot().file("a.bin", sha256=SHA)


def test_the_hash_is_taken_once(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hub(GOOD)
    snapshot().file("a.bin", sha256=SHA)
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert snapshot().file("a.bin", sha256=SHA).read_bytes() == GOOD


@pytest.mark.parametrize(("size", "fine"), [(3, True), (4, True), (None, True), (5, False)])
def test_a_file_that_is_too_large_is_not_downloaded(hub: Any, size: int | None, fine: bool) -> None:
    made = hub(GOOD, size=size)
    if fine:
        assert snapshot().file("a.bin", most=4).read_bytes() == GOOD
        return
    with pytest.raises(WeightsError, match="at most 4 bytes, got 5"):
        snapshot().file("a.bin", most=4)
    assert [given.get("dry_run") for given in made.asked] == [True]


def test_offline_the_cache_alone_is_read(hub: Any) -> None:
    made = hub(GOOD)
    snapshot(offline=True).file("a.bin", most=1)
    assert [given["local_files_only"] for given in made.asked] == [True]
    assert snapshot(offline=True).names() == []


def answer(status: int, kind: type[Exception] = errors.HfHubHTTPError) -> Exception:
    response = SimpleNamespace(status_code=status, reason_phrase="No", headers={}, request=None)
    return kind("no", response=response)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (answer(403, errors.GatedRepoError), "access to the repository, got a gated one"),
        (answer(404, errors.RepositoryNotFoundError), "none called owner/name"),
        (answer(404, errors.RevisionNotFoundError), "a branch, tag or commit"),
        (answer(401), "a token that the Hub knows, got 401 No"),
        (answer(403), "the right to do this, got 403 No; make one at .*settings/tokens"),
        (answer(412), "nobody else to push meanwhile, got 412"),
        (answer(418), "a request that the Hub takes, got 418 No"),
        (answer(429), "fewer requests, got 429 No; wait some minutes"),
        (OSError(28, "No space left on device"), "a cache that can be written, got No space left"),
        (answer(500), "cannot be reached"),
        (ConnectionError("down"), r"cannot be reached.*no answer \(ConnectionError\); go online"),
    ],
)
def test_what_the_hub_said_no_to_is_one_line_with_the_next_step(error: Exception, words: str) -> None:
    with (
        pytest.raises(WeightsError, match=words) as caught,
        talking("weights", WeightsError, repo="owner/name", hint="go online"),
    ):
        raise error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "passing"), [(401, False), (403, False), (429, False), (499, False), (500, True), (503, True)]
)
def test_only_an_error_of_the_hubs_own_may_pass(status: int, passing: bool) -> None:
    assert is_passing(answer(status)) is passing
    assert not is_passing(WeightsError("no"))
    assert not is_passing(None)
    assert not is_passing(KeyboardInterrupt())


def test_a_question_without_answer_is_asked_again_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    replies: list[Any] = [ConnectionError("down"), answer(503), "here"]

    def ask() -> Any:
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    assert patiently(ask) == "here"
    assert waited == [*client._WAITS][:2]
    replies[:] = [answer(404)]
    with pytest.raises(errors.HfHubHTTPError):
        patiently(ask)
    assert len(waited) == 2


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        ("https://hub.example", ("hub.example", 443)),
        ("http://hub.example", ("hub.example", 80)),
        ("http://hub.example:8080", ("hub.example", 8080)),
    ],
)
def test_whether_the_hub_answers_is_asked_at_its_own_port(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, place: tuple[str, int]
) -> None:
    asked: list[Any] = []

    def connect(where: tuple[str, int], timeout: float) -> Any:
        asked.append(where)
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "is_offline_mode", lambda: False)
    monkeypatch.setattr(client, "getproxies", dict)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert reachable()
    assert asked == [place]
    monkeypatch.setattr(client, "getproxies", lambda: {"http": "proxy"})
    assert reachable()
    assert asked == [place]
    monkeypatch.setattr(client, "getproxies", dict)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: (_ for _ in ()).throw(OSError("no")))
    assert not reachable()
    monkeypatch.setattr(constants, "is_offline_mode", lambda: True)
    assert not reachable()


def test_a_file_that_the_commit_has_not_is_none_and_one_that_cannot_be_asked_for_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(error: Exception) -> Any:
        return lambda *_, **__: (_ for _ in ()).throw(error)

    gone = answer(404, errors.RemoteEntryNotFoundError)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails(gone))
    assert snapshot().find("a.bin") is None
    for error in (errors.LocalEntryNotFoundError("offline"), answer(401)):
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails(error))
        with pytest.raises(WeightsError):
            snapshot(offline=True).find("a.bin")
