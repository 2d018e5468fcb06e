"""Files of the Hub, with a client that is scripted: what is taken, what is asked twice, what is refused."""

from __future__ import annotations

import hashlib
import importlib
import logging
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from zoo.spec.errors import WeightsError
from zoo.spec.published_weights import WeightsSource
from zoo.weights import client, download, hub_listening
from zoo.weights.client import patiently, reachable, talking
from zoo.weights.download import Snapshot
from zoo.weights.hub_answers import is_passing
from zoo.weights.hub_listening import listening

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
        (answer(404), "a page that the Hub has, got 404 No; check the name, and HF_ENDPOINT"),
        (answer(409), "no other change at the same time, got 409 No; look at what is there"),
        (answer(413), "less at once, got 413 No; ask who runs the Hub, or the proxy"),
        (answer(500), "expected an answer, got 500 No; as it was; the trouble is the Hub's own: try again"),
        (answer(503), "expected an answer, got 503 No; as it was; the trouble is the Hub's own"),
        (ConnectionError("down"), r"cannot be reached.*no answer \(ConnectionError\); as it was; go online"),
    ],
)
def test_what_the_hub_said_no_to_is_one_line_with_the_next_step(error: Exception, words: str) -> None:
    with (
        pytest.raises(WeightsError, match=words) as caught,
        talking("weights", WeightsError, repo="owner/name", hint="go online", kept="as it was"),
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
        assert timeout == 5  # seconds; the client itself would wait for half a minute
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


@pytest.fixture
def revisions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the client is asked to resolve; each answer is one commit."""
    asked: list[dict[str, Any]] = []

    class Api:
        def resolve_revision(self, repo: str, **given: Any) -> Any:
            asked.append({"repo": repo, **given})
            return SimpleNamespace(resolved="d" * 40)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    return asked


@pytest.mark.parametrize(
    ("answers", "local", "offline"),
    [(True, False, False), (False, False, True), (True, True, True), (False, True, True)],
)
def test_a_commit_is_looked_up_in_the_cache_where_the_hub_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, revisions: list[Any], answers: bool, local: bool, offline: bool
) -> None:
    monkeypatch.setattr(download, "reachable", lambda: answers)
    found = download.snapshot("w", "owner/name", hint="h", token="t", local_files_only=local)
    assert (found.offline, found.commit, found.repo, found.token, found.force) == (
        offline, "d" * 40, "owner/name", "t", False,
    )  # fmt: skip
    (asked,) = revisions
    assert (asked["revision"], asked["token"]) == ("main", "t")
    assert asked.get("local_files_only", False) is offline


def test_a_revision_is_asked_for_by_its_name(monkeypatch: pytest.MonkeyPatch, revisions: list[Any]) -> None:
    monkeypatch.setattr(download, "reachable", lambda: True)
    download.snapshot("w", "owner/name", "v1", hint="h")
    assert revisions[0]["revision"] == "v1"


def test_published_weights_are_fetched_by_their_revision_and_hash(
    hub: Any, monkeypatch: pytest.MonkeyPatch, revisions: list[Any]
) -> None:
    monkeypatch.setattr(download, "reachable", lambda: True)
    made = hub(GOOD)
    place = WeightsSource(repo="owner/name", revision="a" * 40, file="a.bin", sha256=SHA)
    assert download.fetch("net tag", place).read_bytes() == GOOD
    assert revisions[0]["revision"] == "a" * 40
    assert made.asked[0]["revision"] == "d" * 40
    assert download.fetch_beside("net tag", place, "a.bin") is not None
    made.contents[:] = [b"evil", b"evil"]
    (made.folder / "a.bin").unlink()
    with pytest.raises(WeightsError, match=r"weights net tag: a\.bin of owner/name: expected sha256"):
        download.fetch("net tag", place)


def test_ways_out_are_said_where_published_weights_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Api:
        def resolve_revision(self, *_: Any, **__: Any) -> Any:
            raise ConnectionError("down")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(download, "reachable", lambda: False)
    place = WeightsSource(repo="owner/name", revision="a" * 40, file="a.bin", sha256=SHA)
    with pytest.raises(WeightsError, match=r"neither \(ConnectionError\); `pip install w`, go online, fill"):
        download.fetch("net tag", place, installs=("pip install w",))


def test_a_small_file_is_verified_by_gits_hash_of_it(hub: Any, tmp_path: Path) -> None:
    """The Hub's cache names the content after it."""
    git = hashlib.sha1(b"blob 4\0good").hexdigest()
    (tmp_path / git).write_bytes(GOOD)
    assert download.git_hash(tmp_path / git) == git
    (tmp_path / "a.json").symlink_to(tmp_path / git)
    made = hub(GOOD)
    assert snapshot().file("a.json").read_bytes() == GOOD
    assert len(made.asked) == 1
    (tmp_path / git).write_bytes(b"evil, now")
    made.contents[:] = [b"evil again"]
    with pytest.raises(WeightsError, match=rf"expected git hash {git[:12]}.*got another content, twice"):
        snapshot().file("a.json")


def test_a_file_without_any_hash_is_taken_as_it_is(hub: Any) -> None:
    made = hub(b"anything")
    assert snapshot().file("a.bin").read_bytes() == b"anything"
    assert len(made.asked) == 1
    made.contents.append(b"new")
    found = snapshot(force=True).find("a.bin")
    assert found is not None
    assert found.read_bytes() == b"new"
    assert made.asked[-1]["force_download"] is True


def test_a_cache_that_cannot_be_written_is_verified_each_time(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub(GOOD)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", full)
    path = snapshot().file("a.bin", sha256=SHA)
    assert path.read_bytes() == GOOD
    assert not path.with_suffix(".zoo-verified").exists()


@pytest.mark.parametrize(
    ("terminal", "asked", "hidden"),
    [(False, None, True), (True, None, False), (False, False, False), (False, True, False)],
)
def test_the_clients_bars_are_hidden_where_nobody_sees_them_and_come_back(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, asked: bool | None, hidden: bool
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", asked)
    monkeypatch.setattr(client.sys, "stderr", SimpleNamespace(isatty=lambda: terminal))
    progress = importlib.import_module("huggingface_hub.utils.tqdm")  # the package has a class of that name
    bars = {"hidden": False}
    monkeypatch.setattr(progress, "are_progress_bars_disabled", lambda: bars["hidden"])
    monkeypatch.setattr(progress, "disable_progress_bars", lambda: bars.update(hidden=True))
    monkeypatch.setattr(progress, "enable_progress_bars", lambda: bars.update(hidden=False))
    with client.quiet():
        assert bars["hidden"] is hidden
    assert not bars["hidden"]
    bars["hidden"] = True
    with client.quiet():
        pass
    assert bars["hidden"]  # as the user had it


@pytest.mark.parametrize(("level", "inside"), [(30, 40), (20, 20), (10, 10), (40, 40), (50, 50)])
def test_warnings_of_the_client_are_kept_off_unless_more_was_asked_for(level: int, inside: int) -> None:
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    try:
        logger.setLevel(level)
        with client.quiet():
            assert logger.level == inside
        assert logger.level == level
    finally:
        logger.setLevel(before)


def test_a_question_that_took_long_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 20.0, 30.5])
    monkeypatch.setattr(
        client, "time", SimpleNamespace(monotonic=lambda: next(times), sleep=lambda seconds: None)
    )
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        patiently(ask)
    assert len(asked) == 2  # after ten seconds it is, after more it is not


def test_a_question_is_asked_three_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        patiently(ask)
    assert (len(asked), waited) == (3, [0.5, 2.0])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.HFValidationError("bad"), r"owner/name of letters, digits, - _ and \., got 'owner/name'"),
        (answer(404, errors.RemoteEntryNotFoundError), "a file that is on the Hub, got none of that name"),
        (PermissionError(13, "Permission denied"), "a cache that can be written, got Permission denied"),
        (OSError(5, "Input/output error"), "cannot be reached"),
        (ValueError("nonsense"), "an answer of the Hub, got one that is none of its; check HF_ENDPOINT"),
        (KeyError("url"), "an answer of the Hub, got one that is none of its; check HF_ENDPOINT"),
    ],
)
def test_other_errors_of_the_client_are_one_line_too(error: Exception, words: str) -> None:
    with (
        pytest.raises(WeightsError, match=words) as caught,
        talking("weights", WeightsError, repo="owner/name", hint="go online"),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_complaints_about_a_card_are_told_by_their_last_line() -> None:
    error = ValueError("- Error: the card\n- license is unknown")
    error.__cause__ = answer(400, errors.BadRequestError)
    with (
        pytest.raises(WeightsError, match=r"a model card that the Hub takes, got license is unknown$"),
        talking("weights", WeightsError, repo="owner/name", hint="go online"),
    ):
        raise error


def test_errors_of_our_own_pass_as_they_are() -> None:
    ours = WeightsError("ours")
    with (
        pytest.raises(WeightsError) as caught,
        talking("weights", WeightsError, repo="owner/name", hint="go online"),
    ):
        raise ours
    assert caught.value is ours


@pytest.mark.parametrize(
    ("location", "moved"),
    [
        ("/api/models/me/new", {"me/old": "me/new"}),
        ("http://hub/me/new/resolve/main/config.json", {"me/old": "me/new"}),
        ("/api/models/me/old", {}),
        ("http://disk/me/new", {}),
        ("/login", {}),
    ],
)
def test_where_the_hub_sends_a_repository_is_noted(location: str, moved: dict[str, str]) -> None:
    request = SimpleNamespace(url="http://hub/api/models/me/old/revision/main")
    headers = {"location": location}
    with listening() as talk:
        hub_listening._hear(SimpleNamespace(has_redirect_location=True, headers=headers, request=request))
    assert talk.moved == moved
