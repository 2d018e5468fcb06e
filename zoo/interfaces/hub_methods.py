"""The Hub's methods of a model, with the names and signatures of the ecosystem (`PyTorchModelHubMixin`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import zoo
from zoo.spec.errors import FormatError
from zoo.spec.reference import PathLike

if TYPE_CHECKING:
    from zoo.interfaces.model import Model


class HubMethods:
    """Saving, pushing and pulling as methods; `Model` alone derives from it."""

    def save_pretrained(self, save_directory: PathLike) -> None:
        """See `zoo.save`."""
        zoo.save(cast("Model", self), save_directory)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        branch: str | None = None,
    ) -> str:
        """Pushes the model to the Hub and returns the page of the commit; see `zoo.push`.

        Args:
            repo_id: `owner/name`.
            commit_message: of the commit.
            private: whether a new repository is private.
            token: to write with; the one that you are logged in with where None.
            branch: `main` where None.
        """
        pushed = zoo.push(
            cast("Model", self),
            f"hf://{repo_id}",
            revision=branch,
            message=commit_message,
            private=private,
            token=token,
        )
        return str(pushed.url)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: PathLike,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: PathLike | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
    ) -> Self:
        """The model in a folder, if there is one of that name, else on the Hub; see `zoo.load`, `zoo.pull`.

        Args:
            pretrained_model_name_or_path: a folder, or `owner/name`.
            revision: branch, tag or commit; `main` where None.
            token: for private and gated repositories; the one that you are logged in with where None.
            cache_dir: instead of the Hub's own.
            local_files_only: do not ask the Hub.
            force_download: fetch again what is in the cache.

        Raises:
            FormatError: the model there is not of this class.
        """
        name = pretrained_model_name_or_path
        if Path(name).is_dir():
            model = zoo.load(name)
        else:
            model = zoo.pull(
                name, revision=revision, token=token, cache_dir=cache_dir, local_files_only=local_files_only,
                force_download=force_download,
            )  # fmt: skip
        if not isinstance(model, cls):
            raise FormatError(str(name), expected=f"a {cls.__name__}", got=f"a {type(model).__name__}")
        return model
