"""`zoo.pull`: a model from the Hub, or from a folder that serves as one, verified as it arrives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo.compose.plan import plan
from zoo.hub import config as configs
from zoo.hub.address import parse_place
from zoo.hub.folder import assemble, checked, steady, verified
from zoo.hub.folder_rules import FILES, check_target, place_files, readme
from zoo.hub.readme import Readme, joined, renewed
from zoo.hub.readme import read as read_readme
from zoo.interfaces.model import Model
from zoo.spec.disk.transaction import current
from zoo.spec.errors import FormatError, WeightsError, listing, warn
from zoo.spec.files import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE
from zoo.spec.reference import HubRef, PathLike, PathRef, local_path
from zoo.weights.download import Snapshot, snapshot
from zoo.weights.fitting import PICKLES
from zoo.weights.tensor_files import read

HINT = "go online, or fill the cache that HF_HOME names"


def pull(
    source: PathLike,
    *,
    revision: str | None = None,
    copy: bool = False,
    token: str | bool | None = None,
    cache_dir: PathLike | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Model:
    """Fetches a model; it computes what the pushed one computed, bit for bit.

    All files come from one commit, whoever pushes meanwhile, and the weights are verified by their hash. Only
    `config.json` and `model.safetensors` are read, and no code from the repository is run. What is in the
    cache is not fetched again; without a network the cache alone serves.

    Args:
        source: `"owner/name"` or `"hf://owner/name"`, both with `@revision` if need be, or `"file:folder"`.
        revision: branch, tag or commit; `main` where None.
        copy: read the weights into memory instead of mapping the file.
        token: for private and gated repositories; the one that you are logged in with where None.
        cache_dir: instead of the Hub's own.
        local_files_only: do not ask the Hub.
        force_download: fetch again what is in the cache.

    Returns:
        The model, in inference mode; frozen blocks are frozen again.

    Raises:
        BadReferenceError: `source` is something else.
        FormatError: what is there is not a model, or of a newer format.
        PluginError: a plugin that it needs is not installed.
        WeightsError: the Hub cannot be reached or says no, or the weights do not arrive whole or do not fit.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("small_cnn", head="binary", input_size=32, seed=0)
        >>> with tempfile.TemporaryDirectory() as hub:
        ...     _ = zoo.push(model, f"file:{hub}/cats")
        ...     same = zoo.pull(f"file:{hub}/cats", copy=True)
        >>> same.task.name
        'binary'
    """
    place = parse_place(source, revision)
    if isinstance(place, PathRef):
        folder = local_path(place.path)
        where = str(folder)
        config, state = steady(folder, lambda found: (found, verified(folder, found, where, copy=copy)))
        return assemble(config, state, where)
    commit = _commit(place, token, cache_dir, local_files_only=local_files_only, force=force_download)
    config = _config(commit)
    return assemble(config, read(_weights(commit, config), copy=copy, verified=True), commit.text)


def pull_files(
    source: PathLike,
    out: PathLike,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
) -> Path:
    """Fetches a model's files into a folder: all of them, or none if something fails. Otherwise as `pull`.

    What people wrote in a README of the folder stays, with a warning where the model's has another text.

    Returns:
        The folder.

    Raises:
        SaveError: the folder holds something else, or cannot be written.
    """
    # Before anything is fetched
    folder = local_path(out)
    check_target(folder)
    place = parse_place(source, revision)
    if isinstance(place, PathRef):
        origin = local_path(place.path)
        return steady(origin, lambda config: _copy_folder(origin, config, folder))
    commit = _commit(place, token, None)
    config = _config(commit)
    found = {WEIGHTS_FILE: _weights(commit, config), CONFIG_FILE: commit.file(CONFIG_FILE)}
    others = (name for name in FILES if name not in found)
    most = configs.MOST_BYTES
    found |= {name: path for name in others if (path := commit.find(name, most=most)) is not None}
    return _placed(found, folder, str(place))


def _copy_folder(origin: Path, config: dict[str, Any], folder: Path) -> Path:
    # Raises what is wrong with it before the first file is copied
    assemble(config, verified(origin, config, str(origin)), str(origin))
    found = {name: current(origin, name) for name in FILES}
    there = {name: path for name, path in found.items() if path.is_file()}
    return _placed(there, folder, str(origin))


def _placed(files: Mapping[str, Path], folder: Path, source: str) -> Path:
    """Puts the files of a model into a folder, all or none; what people wrote in a README there stays."""
    placed: dict[str, Path | str] = {**files}
    there = readme(folder)
    if there is not None and any(there.added):
        where = f"{CARD_FILE} of {source}"
        found = read_readme(files[CARD_FILE], where) if CARD_FILE in files else None
        card = found or Readme((), "", "", "")
        if there.added != card.added:
            base, other = joined(card, there)
            placed[CARD_FILE] = renewed(str(card), base)
            if other:
                text = f"the text that people wrote in {folder / CARD_FILE} is not that of {where}"
                warn(f"{text}, and was kept; remove the file first to have that one")
    return place_files(placed, folder, remove=set(FILES) - set(placed))


def _commit(
    place: HubRef,
    token: str | bool | None,
    cache_dir: PathLike | None,
    *,
    local_files_only: bool = False,
    force: bool = False,
) -> Snapshot:
    try:
        return snapshot(
            f"pull {place}", place.repo, place.revision, hint=HINT, token=token, force=force,
            cache_dir=Path(cache_dir) if cache_dir is not None else None, local_files_only=local_files_only,
        )  # fmt: skip
    except WeightsError as error:
        # owner/name may be a path as well
        if place.revision is None and Path(place.repo).is_dir():
            hint = f'for the folder of that name say "file:{place.repo}"'
            raise WeightsError(error.problem, expected=error.expected, got=error.got, hint=hint) from error
        raise


def _config(commit: Snapshot) -> dict[str, Any]:
    """The config of a commit; whether the model can be made is said before its weights are fetched."""
    file = commit.find(CONFIG_FILE, most=configs.MOST_BYTES)
    if file is None:
        raise _no_model(commit, CONFIG_FILE, commit.names())
    config = configs.parse(file, commit.text)
    recipe, spec = checked(config, commit.text)
    plan(recipe.model.model_copy(update={"weights": None}), input_spec=spec, saved=True)
    return config


def _weights(commit: Snapshot, config: dict[str, Any]) -> Path:
    file = commit.find(WEIGHTS_FILE, sha256=config["sha256"])
    if file is None:
        raise _no_model(commit, WEIGHTS_FILE, commit.names())
    return file


def _no_model(commit: Snapshot, missing: str, names: Iterable[str]) -> FormatError:
    """The error for a repository that lacks a file of the format."""
    there = [name for name in names if name != ".gitattributes"]
    hint = None
    if any(name.endswith(".safetensors") for name in there):
        hint = f'to take weights alone, build their network: zoo.build(NAME, weights="hf://{commit.repo}")'
    elif any(name.endswith(PICKLES) for name in there):
        hint = "weights that are pickled may run code and are never opened; ask for a .safetensors file"
    return FormatError(
        f"{commit.text} is not a model saved by zoo", expected=missing, got=listing(there, 6), hint=hint
    )
