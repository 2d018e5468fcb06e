"""Fetching files from the Hub: one commit, through its client's own cache, verified on arrival."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from zoo.spec.disk.leftovers import set_aside
from zoo.spec.disk.reading import sha256
from zoo.spec.errors import WeightsError, ZooError
from zoo.spec.published_weights import WeightsSource
from zoo.weights.client import patiently, reachable, talking
from zoo.weights.download_bar import DownloadBar, has_viewer
from zoo.weights.hub_listening import Talk, warn_moved

WITHOUT_HUB = 'give a local file with weights="file:PATH", or leave weights out for random ones'
"""Ways to build a model whose weights cannot be reached."""

_SHA256, _GIT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


def fetch(text: str, source: WeightsSource, *, installs: Sequence[str] = ()) -> Path:
    """The local file of published weights.

    Args:
        text: how messages call the weights.
        source: a repository and a file of it.
        installs: commands that bring the weights without the Hub.

    Raises:
        WeightsError: the Hub cannot be reached, has no such file, or the file does not arrive whole.
    """
    return _published(text, source, installs).file(source.file, sha256=source.sha256)


def fetch_beside(text: str, source: WeightsSource, file: str, *, installs: Sequence[str] = ()) -> Path | None:
    """Another file of the same repository and revision; None where it has none.

    Raises:
        WeightsError: the Hub cannot be reached.
    """
    return _published(text, source, installs).find(file)


def _published(text: str, source: WeightsSource, installs: Sequence[str]) -> Snapshot:
    assert source.repo is not None  # noqa: S101 - files of packages are found, not fetched
    ways = [*(f"`{command}`" for command in installs), "go online", "fill the cache that HF_HOME names"]
    hint = f"{', '.join(ways)}, {WITHOUT_HUB}"
    return snapshot(f"weights {text}", source.repo, source.revision, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One commit of a repository; all that is read through it belongs together, whoever pushes meanwhile.

    Args:
        text: how messages call it.
        repo: `owner/name`.
        commit: its full id.
        hint: the ways out where the Hub cannot be reached.
        offline: whether to read the cache alone.
        token: for private and gated repositories; the one that the user is logged in with where None.
        cache_dir: instead of the Hub's own.
        force: download again what is in the cache.
        sort: of the repository, as the client names it; None for a model.
        error: of what goes wrong.
    """

    text: str
    repo: str
    commit: str
    hint: str
    offline: bool = False
    token: str | bool | None = None
    cache_dir: str | Path | None = None
    force: bool = False
    sort: str | None = None
    error: type[ZooError] = WeightsError

    def file(self, name: str, *, sha256: str | None = None, most: int | None = None) -> Path:
        """A file of the commit, downloaded if need be.

        Its hash is the one given, else what the Hub announced, and taken once. A file of another content, in
        transit or in the cache, is fetched once more.

        Args:
            name: in the repository.
            sha256: of the content, where it is known.
            most: bytes that are taken at most.

        Raises:
            WeightsError: the Hub cannot be reached, has no such file, or the file does not arrive whole.
        """
        if most is not None:
            self._check_size(name, most)
        path = self._download(name, force=self.force)
        wanted = sha256 or _announced(path) or self._asked(name, path)
        if wanted and not _verified(path, wanted):
            path = self._download(name, force=True)
            if not _verified(path, wanted):
                # Without a link its name does not tell that it is damaged
                if not path.is_symlink():
                    path.unlink(missing_ok=True)
                expected = f"{'sha256' if _SHA256.fullmatch(wanted) else 'git hash'} {wanted[:12]}..."
                raise self.error(
                    self._where(name), expected=expected, got="another content, twice",
                    hint="the repository or the way to it is damaged; nothing of it was used",
                )  # fmt: skip
        return path

    def find(self, name: str, *, sha256: str | None = None, most: int | None = None) -> Path | None:
        """The file, as from `file`, but None where the commit has none of that name."""
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        try:
            return self.file(name, sha256=sha256, most=most)
        except self.error as error:
            cause = error.__cause__
            # That the cache has none says nothing of the commit
            if isinstance(cause, EntryNotFoundError) and not isinstance(cause, LocalEntryNotFoundError):
                return None
            raise

    def names(self) -> list[str]:
        """Names of all files, as far as the Hub says them."""
        from huggingface_hub import HfApi

        # The cache knows only what was fetched
        if self.offline:
            return []
        with self._talking(self.text):
            return HfApi().list_repo_files(
                self.repo, revision=self.commit, token=self.token, repo_type=self.sort
            )

    def _check_size(self, name: str, most: int) -> None:
        if self.offline:
            return
        with self._talking(self._where(name)):
            size = patiently(partial(self._client(name), dry_run=True)).file_size
        if size is not None and size > most:
            raise self.error(self._where(name), expected=f"at most {most} bytes", got=str(size))

    def _download(self, name: str, *, force: bool) -> Path:
        if force and self.offline:
            expected = "the Hub, for a whole copy"
            where = f"{self._where(name)} cannot be reached"
            raise self.error(where, expected=expected, got="no answer", hint=self.hint)
        ask = partial(self._client(name), force_download=force, local_files_only=self.offline)
        with self._talking(self._where(name)), self._without_old(name, force):
            return Path(ask() if self.offline else patiently(ask))

    @contextmanager
    def _without_old(self, name: str, force: bool) -> Iterator[None]:
        """Moves a file of a cache without links aside: the client would leave it where it is."""
        from huggingface_hub import try_to_load_from_cache

        known = partial(try_to_load_from_cache, repo_type=self.sort)
        there = known(self.repo, name, self.cache_dir, self.commit) if force else None
        path = Path(there) if isinstance(there, str) else None
        if path is None or path.is_symlink() or self.offline:
            yield
        else:
            with set_aside(path):
                yield

    def _asked(self, name: str, path: Path) -> str | None:
        """The hash that the Hub gives a file in a cache without links, whose names tell none."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        if path.is_symlink() or self.offline:
            return None
        mark, state = _remembered(path)
        if mark.endswith(f" {state}"):
            return mark.partition(" ")[0]
        url = hf_hub_url(self.repo, name, revision=self.commit, repo_type=self.sort)
        found = ""
        # What cannot be asked now is taken as it is, as from a cache that is offline
        with suppress(self.error), self._talking(self._where(name)):
            found = get_hf_file_metadata(url, token=self.token).etag or ""
        return found if _SHA256.fullmatch(found) or _GIT.fullmatch(found) else None

    def _client(self, name: str) -> Callable[..., Any]:
        from huggingface_hub import hf_hub_download

        place = {"revision": self.commit, "token": self.token, "cache_dir": self.cache_dir}
        place |= {"repo_type": self.sort}
        bar = {"tqdm_class": DownloadBar} if has_viewer() else {}
        return partial(hf_hub_download, self.repo, name, **place, **bar)

    def _where(self, name: str) -> str:
        return f"{self.text}: {name} of {self.repo}"

    @contextmanager
    def _talking(self, where: str) -> Iterator[Talk]:
        expected = "the Hub or a cached copy"
        repo = page_of(self.repo, self.sort)
        with talking(where, self.error, repo=repo, hint=self.hint, expected=expected) as talk:
            yield talk


def snapshot(
    text: str,
    repo: str,
    revision: str | None = None,
    *,
    hint: str,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    force: bool = False,
    sort: str | None = None,
    error: type[ZooError] = WeightsError,
) -> Snapshot:
    """The commit that a branch, tag or commit means now; what it last meant where the Hub does not answer.

    Raises:
        ZooError: it means none, or the Hub cannot be reached and nothing of it is cached; of kind `error`.
    """
    from huggingface_hub import HfApi

    offline = local_files_only or not reachable()
    where, page = f"{text}: {repo}", page_of(repo, sort)
    with talking(where, error, repo=page, hint=hint, expected="the Hub or a cached copy") as talk:
        resolve = partial(
            HfApi().resolve_revision, repo, revision=revision or "main", token=token, cache_dir=cache_dir,
            repo_type=sort,
        )  # fmt: skip
        found = resolve(local_files_only=True) if offline else patiently(resolve)
    # The old name stays the one of the cache, so that it is found there without a network too
    warn_moved(talk, repo, text)
    return Snapshot(
        text=text, repo=repo, commit=found.resolved, hint=hint, offline=offline, token=token,
        cache_dir=cache_dir, force=force, sort=sort, error=error,
    )  # fmt: skip


def page_of(repo: str, sort: str | None) -> str:
    """Path of a repository's page on the Hub.

    Example:
        >>> page_of("me/cats", "dataset"), page_of("me/cats", None)
        ('datasets/me/cats', 'me/cats')
    """
    return f"{sort}s/{repo}" if sort else repo


def git_hash(path: Path) -> str:
    """Git's hash of the content of a small file."""
    content = path.read_bytes()
    # Python builds that allow no sha1 for security do so for this
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _announced(path: Path) -> str | None:
    """The hash that the Hub gave, after which its cache names the content: sha256, or git's if small."""
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) or _GIT.fullmatch(name) else None


def _verified(path: Path, wanted: str) -> bool:
    """Whether the file has the hash; remembered beside the Hub's cache by size and time of the file."""
    known, state = _remembered(path)
    mark = f"{wanted} {state}"
    if known == mark:
        return True
    fine = (git_hash(path) if _GIT.fullmatch(wanted) else sha256(path)) == wanted
    if fine:
        try:
            _stamp(path).write_text(mark, encoding="utf-8")
        except OSError:
            return True  # a read-only cache is verified again next time
    return fine


def _remembered(path: Path) -> tuple[str, str]:
    """The text of a file's stamp, empty where it has none; and the file's size and time."""
    stat, known = path.stat(), ""
    with suppress(OSError, ValueError):
        known = _stamp(path).read_text(encoding="utf-8")
    return known, f"{stat.st_size} {stat.st_mtime_ns}"


def _stamp(path: Path) -> Path:
    """Beside the content and not its link, so that revisions which share it share the stamp."""
    file = path.resolve()
    return file.with_name(f"{file.name}.zoo-verified")
