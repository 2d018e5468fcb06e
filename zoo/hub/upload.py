"""One commit to the Hub, with the files that changed; landed as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.hub import config as configs
from zoo.hub.bundle import Bundle
from zoo.hub.readme import read
from zoo.hub.result import Pushed
from zoo.spec.disk.reading import sha256
from zoo.spec.errors import FormatError, SaveError, listing
from zoo.spec.files import CARD_FILE, CONFIG_FILE, HISTORY_FILE, WEIGHTS_FILE
from zoo.spec.reference import HubRef
from zoo.weights.client import patiently, quiet, reachable, talking, waited
from zoo.weights.download import Snapshot, git_hash
from zoo.weights.hub_answers import TOO_MANY, is_passing, status_of
from zoo.weights.hub_listening import Talk, warn_moved

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

HINT = 'go online, or push to a folder: "file:FOLDER"'

# The Hub makes .gitattributes with each repository, and people often write the README first
_NOT_CONTENT = {".gitattributes", CARD_FILE}
_MOVED_ON = 412  # precondition failed: `parent_commit` is not the head any more
_THERE = 409


def upload(
    bundle: Bundle, place: HubRef, *, message: str, private: bool | None, token: str | bool | None
) -> Pushed:
    """Pushes a bundle to a branch.

    Args:
        bundle: what goes.
        place: repository and branch, made if need be.
        message: of the commit.
        private: whether a new repository is private; the account's default where None.
        token: to write with; the one that the user is logged in with where None.

    Raises:
        SaveError: the Hub cannot be reached or says no, or holds something else.
    """
    return _Upload(bundle, place, message, private, token).run()


class _Upload:
    def __init__(
        self, bundle: Bundle, place: HubRef, message: str, private: bool | None, token: str | bool | None
    ) -> None:
        from huggingface_hub import HfApi

        self.bundle, self.message, self.private = bundle, message, private
        self.repo, self.branch = place.repo, place.revision or "main"
        self.where = f"push {place.repo}"
        self.api: HfApi = HfApi(token=token)
        self.token = token

    def run(self) -> Pushed:
        """Looks at what is there, and commits what differs."""
        if not reachable():
            raise SaveError(f"{self.where}: the Hub cannot be reached", hint=HINT)
        head = self._head()
        there = {sibling.rfilename: sibling for sibling in head.siblings or []}
        files, stale = self._complete(head, there)
        changed = [name for name, path in files.items() if not self._is_same(path, there.get(name))]
        if not changed and not stale:
            return self._pushed(head.sha, ())
        return self._commit(head, changed, stale)

    def _head(self) -> ModelInfo:
        """What the branch holds now; made if need be.

        Raises:
            SaveError: the Hub says no, or the repository's visibility is another than asked for.
        """
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

        with self._talking() as talk:
            try:
                head = self._look()
            except GatedRepoError:  # by class a RepositoryNotFoundError, but there is one
                raise
            except RepositoryNotFoundError:
                head = self._create()
            except RevisionNotFoundError:
                head = self._look(branch="main")
            self._follow(talk)
            if self.private is not None and head.private is not None and head.private != self.private:
                words = {True: "a private repository", False: "a public repository"}
                raise SaveError(
                    self.where, expected=words[self.private], got=words[head.private],
                    hint=f"change it at {self.api.endpoint}/{self.repo}/settings, or do not say which",
                )  # fmt: skip
            # Behind the check of visibility: no branch is made in a repository that is refused
            if self.branch == "main":
                return head
            patiently(partial(self.api.create_branch, self.repo, branch=self.branch, exist_ok=True))
            return self._look()

    def _create(self) -> ModelInfo:
        """Makes the repository, or takes the one that somebody has made since it was looked for."""
        from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

        try:
            # The client's own way to take one that is there reads a page that not every answer has
            patiently(partial(self.api.create_repo, self.repo, private=self.private))
        except HfHubHTTPError as there:
            if status_of(there) != _THERE:
                raise
            try:
                return self._look(branch="main")
            except RepositoryNotFoundError:  # somebody else's, who shows it to nobody
                raise there from None
        return self._look(branch="main")

    def _follow(self, talk: Talk) -> None:
        """Goes on under the name that a repository has now."""
        new = warn_moved(talk, self.repo, self.where)
        if new != self.repo:
            self.bundle = self.bundle.renamed(self.repo, new)
            self.repo = new

    def _look(self, branch: str | None = None) -> ModelInfo:
        ask = partial(self.api.model_info, self.repo, revision=branch or self.branch, files_metadata=True)
        return patiently(ask)

    def _complete(self, head: ModelInfo, there: dict[str, RepoSibling]) -> tuple[dict[str, Path], list[str]]:
        """All files that the commit shall hold, the README among them, and those that it shall not any more.

        Raises:
            SaveError: the repository holds something else than a model of zoo.
        """
        commit = Snapshot(text=self.where, repo=self.repo, commit=str(head.sha), hint=HINT, token=self.token)
        config = self._check_ours(commit, there)
        digest, was = (config["sha256"], config["licence"]) if config is not None else (None, None)
        stays = [n for n in self.bundle.optional if n in there and digest == self.bundle.digest]
        history = commit.file(HISTORY_FILE, most=configs.MOST_BYTES) if HISTORY_FILE in stays else None
        text = None
        if CARD_FILE in there:
            text = read(commit.file(CARD_FILE, most=configs.MOST_BYTES), f"{CARD_FILE} of {self.repo}")
        where = f"{CARD_FILE} of {self.repo}"
        self.bundle.write_readme(text, where, was=was, history=history, stays=stays)
        return self.bundle.files, [n for n in self.bundle.optional if n in there and n not in stays]

    def _check_ours(self, commit: Snapshot, there: dict[str, RepoSibling]) -> dict[str, Any] | None:
        """The config of the model that is there; None in an empty repository."""
        if not set(there) - _NOT_CONTENT:
            return None
        other = SaveError(
            self.where,
            expected="an empty repository or one that holds a model saved by this version of zoo",
            got=f"one with {listing(sorted(set(there) - _NOT_CONTENT), 4)}",
            hint="choose another name",
        )
        if CONFIG_FILE not in there:
            raise other
        try:
            return configs.parse(commit.file(CONFIG_FILE, most=configs.MOST_BYTES), self.where)
        except FormatError as error:
            raise other from error

    def _is_same(self, path: Path, there: RepoSibling | None) -> bool:
        if there is None:
            return False
        if there.lfs is not None:
            mine = self.bundle.digest if path.name == WEIGHTS_FILE else sha256(path)
            return mine == there.lfs.sha256
        # Of small files, which git holds itself, the Hub tells git's hash and no sha256
        return path.stat().st_size == there.size and git_hash(path) == there.blob_id

    def _commit(self, head: ModelInfo, changed: list[str], stale: list[str]) -> Pushed:
        """Commits onto exactly what was looked at; asked twice where no answer comes, and lands once."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        additions = [CommitOperationAdd(name, self.bundle.files[name]) for name in changed]
        removals = [CommitOperationDelete(name) for name in stale]
        with self._talking():
            # Weights go ahead of the commit, which may be asked for twice and needs the operations whole
            try:
                self.api.preupload_lfs_files(self.repo, additions, revision=self.branch, free_memory=False)
            except RuntimeError as error:  # says which file it was; why is behind it
                raise error.__cause__ or error from None
            for attempt in (1, 2):
                try:
                    done = self.api.create_commit(
                        self.repo, [*additions, *removals], commit_message=self.message, revision=self.branch,
                        parent_commit=head.sha,
                    )  # fmt: skip
                except Exception as error:
                    status = status_of(error)
                    if attempt == 1 and status == TOO_MANY and waited(error):
                        continue
                    if not is_passing(error) and status != _MOVED_ON:
                        raise
                    landed = self._landed(head, changed, stale)
                    if landed is not None:
                        return self._pushed(landed, (*changed, *stale))
                    if attempt == 2 or status == _MOVED_ON:
                        raise
                    waited(error)
                else:
                    return self._pushed(done.oid, (*changed, *stale))
        raise AssertionError("an attempt ends in one of the ways above")

    def _landed(self, head: ModelInfo, changed: list[str], stale: list[str]) -> str | None:
        """The new head, if it is our commit whose answer was lost."""
        try:
            with quiet():
                now = self._look()
        except Exception as error:
            raise SaveError(
                f"{self.where}: the connection was lost",
                hint="push again: what has arrived is not sent twice",
            ) from error
        there = {sibling.rfilename: sibling for sibling in now.siblings or []}
        ours = all(self._is_same(self.bundle.files[name], there.get(name)) for name in changed)
        return now.sha if now.sha != head.sha and ours and not set(stale) & set(there) else None

    def _pushed(self, commit: str | None, files: tuple[str, ...]) -> Pushed:
        return Pushed(
            reference=f"hf://{self.repo}@{commit}",
            url=f"{self.api.endpoint}/{self.repo}/commit/{commit}",
            commit=commit,
            files=files,
        )

    @contextmanager
    def _talking(self) -> Iterator[Talk]:
        kept = "nothing changed there"
        with talking(self.where, SaveError, repo=self.repo, hint=HINT, kept=kept) as talk:
            yield talk
