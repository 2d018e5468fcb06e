"""`zoo.push`: a model to the Hub, or to a folder that serves as one."""

from __future__ import annotations

import filecmp

from zoo.hub.address import parse_place
from zoo.hub.bundle import bundle
from zoo.hub.claims.names import check_licence
from zoo.hub.folder_rules import check_target, place_files, readme
from zoo.hub.part import part_of
from zoo.hub.result import Pushed
from zoo.hub.upload import upload
from zoo.interfaces.model import ModelLike
from zoo.spec.errors import SaveError
from zoo.spec.files import CARD_FILE, HISTORY_FILE
from zoo.spec.reference import HubRef, PathLike, PathRef, local_path

MESSAGE = "Push model with zoo"


def push(
    model: ModelLike,
    target: PathLike,
    *,
    revision: str | None = None,
    message: str | None = None,
    private: bool | None = None,
    token: str | bool | None = None,
    licence: str | None = None,
    part: str | None = None,
) -> Pushed:
    """Puts a model where others can `zoo.pull` it: weights, config, card, and the history of its run.

    Of a folder, the format's files go and no others. On the Hub it is one commit with the files that changed;
    the repository and the branch are made if need be. Whatever happens on the way, the repository holds the
    old model or the new one. Local paths in the recipe are cut to their last part. In the README, zoo renews
    its front matter and its marked part; what people wrote around it stays.

    Args:
        model: from `zoo.build`, `zoo.load` or `zoo.fit`, or the folder of a saved one.
        target: `"owner/name"` or `"hf://owner/name"`, or `"file:folder"`.
        revision: branch; `main` where None.
        message: of the commit.
        private: whether a new repository is private; the account's default where None.
        token: to write with; the one that you are logged in with where None.
        licence: SPDX name for the card, or `LicenseRef-NAME`; the model's own where None, and none is claimed
            without. One that contradicts those of the weights which the model started from is warned of, and
            so is one that takes the place of another, or leaves none there.
        part: name of the one network to push, such as `generator` of a pair, which is a model of its own.

    Raises:
        BadReferenceError: `target` is something else.
        SaveError: the model has no such part, the Hub cannot be reached or says no, or it holds something
            else than a model of zoo; or `licence` is no name of one.
        ZooError: the folder holds no model, or a damaged one.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("small_cnn", head="binary", input_size=32, seed=0)
        >>> with tempfile.TemporaryDirectory() as hub:
        ...     first = zoo.push(model, f"file:{hub}/cats")
        ...     again = zoo.push(model, f"file:{hub}/cats")
        >>> first.files, again.files
        (('model.safetensors', 'config.json', 'README.md'), ())
    """
    place = parse_place(target, revision)
    check_licence(licence, f"push {place.path if isinstance(place, PathRef) else place}")
    if part is not None:
        model = part_of(model, part)
    if isinstance(place, PathRef):
        return _to_folder(model, place, message=message, private=private, token=token, licence=licence)
    revision = place.revision or "main"
    # As short as `zoo.pull` takes it, which means main where nothing is said
    reference = place.repo if revision == "main" else f"{place.repo}@{revision}"
    if message is not None and not message.strip():
        raise SaveError(f"push {place}", expected="a message", got="an empty one")
    with bundle(model, reference=reference, licence=licence) as ready:
        return upload(
            ready, HubRef(place.repo, revision), message=message or MESSAGE, private=private, token=token
        )


def _to_folder(model: ModelLike, place: PathRef, *, licence: str | None, **of_the_hub: object) -> Pushed:
    given = [name for name, value in of_the_hub.items() if value is not None]
    if given:
        raise SaveError(f"push {place}", expected="no options of the Hub for a folder", got=", ".join(given))
    folder = local_path(place.path)
    before = check_target(folder)
    with bundle(model, reference=None, licence=licence) as ready:
        there = [name for name in ready.optional if (folder / name).is_file()]
        # History and curves there stay while the weights do: they are of the same run
        stays = there if before is not None and before["sha256"] == ready.digest else []
        history = folder / HISTORY_FILE if HISTORY_FILE in stays else None
        was = before["licence"] if before is not None else None
        ready.write_readme(readme(folder), f"{folder}/{CARD_FILE}", was=was, history=history, stays=stays)
        # By content: `filecmp` would else be content with equal size and time
        changed = {
            name: path
            for name, path in ready.files.items()
            if not (folder / name).is_file() or not filecmp.cmp(path, folder / name, shallow=False)
        }
        stale = [name for name in there if name not in stays]
        if changed or stale:
            place_files(changed, folder, remove=stale)
    return Pushed(reference=str(PathRef(str(folder))), url=None, commit=None, files=(*changed, *stale))
