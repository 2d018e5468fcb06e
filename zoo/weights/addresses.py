"""Files by plain address, as torchvision publishes them: fetched once, verified, and kept as safetensors.

What torch.hub has fetched already is taken from its folder, by the same name and with the same check.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from torch.hub import get_dir

from zoo.registry.cache import cache_folder
from zoo.spec.disk.atomic_write import atomic_write
from zoo.spec.disk.leftovers import sweep_parts
from zoo.spec.disk.reading import sha256
from zoo.spec.errors import WeightsError, reason
from zoo.spec.published_weights import WeightsSource
from zoo.weights.download_bar import DownloadBar, has_viewer
from zoo.weights.pickles import keep_tensors, kept_tensors, read_pickle
from zoo.weights.tensor_files import Tensors, read

MOST_BYTES = 4 << 30
"""Largest file that is fetched; torchvision's largest weights have 2.4 GB."""

_PATIENCE = 30.0
"""Seconds without an answer, or without a byte."""

_CHUNK = 1 << 20


def read_address(text: str, source: WeightsSource, *, installs: Sequence[str] = ()) -> Tensors:
    """The tensors of a file by address, mapped from zoo's cache once they are there.

    Args:
        text: how messages call the weights.
        source: address and file.
        installs: commands that bring the weights without a network.

    Raises:
        WeightsError: the server does not answer, has no such file, or the file is not what was declared.
    """
    stem, digits = source.file.rpartition(".")[0], source.digits or ""
    if (state := kept_tensors(stem, digits)) is not None:
        return state
    with ExitStack() as stack:
        path = _torch_hubs(source)
        if path is None:
            path = stack.enter_context(_fetched(text, source, installs))
        if source.pickled:
            return read_pickle(path, digits=digits, text=text, kept=stem)
        return keep_tensors(read(path, verified=True, copy=True), stem, digits)


def _torch_hubs(source: WeightsSource) -> Path | None:
    """The file that torch.hub or a user has put into its folder, where it is the one that is declared."""
    path = Path(get_dir()) / "checkpoints" / source.file
    with suppress(OSError):
        if sha256(path).startswith(source.digits or "-"):
            return path
    return None


@contextmanager
def _fetched(text: str, source: WeightsSource, installs: Sequence[str]) -> Iterator[Path]:
    """A file while it is needed: its tensors are kept by whoever reads it."""
    with _folder() as folder:
        path = folder / source.file
        try:
            with atomic_write(path, durable=False) as part:
                _download(text, source, part, installs)
                _verify(text, source, part)
            yield path
        except OSError as error:
            got = f"{reason(error)} in {folder}"
            hint = "free space, or let ZOO_CACHE name a folder with more"
            raise WeightsError(f"weights {text}", expected="room for the file", got=got, hint=hint) from error
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _folder() -> Iterator[Path]:
    """Folder to fetch into: in zoo's cache, else one that goes afterwards."""
    try:
        folder = cache_folder() / "weights"
        folder.mkdir(parents=True, exist_ok=True)
        sweep_parts(folder)
        fine = os.access(folder, os.W_OK)
    except (OSError, RuntimeError):  # it cannot be made; there is no home folder
        fine = False
    if fine:
        own = Path(tempfile.mkdtemp(prefix=".fetch-", dir=folder))
    else:
        own = Path(tempfile.mkdtemp(prefix="zoo-"))
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


class _Safe(HTTPRedirectHandler):
    """Follows a server elsewhere, but never from an encrypted address to one that is not."""

    def redirect_request(self, req: Request, *args: Any) -> Request | None:
        """The next request."""
        found = super().redirect_request(req, *args)
        if found is not None and req.type == "https" and found.type != "https":
            raise URLError(f"it leads to {found.type}://{found.host}, which is not encrypted")
        return found


def _download(text: str, source: WeightsSource, part: Path, installs: Sequence[str]) -> None:
    where, place = f"weights {text}", source.place
    if _offline():
        raise _unreachable(source, where, "offline mode (HF_HUB_OFFLINE)", installs)
    try:
        request = Request(place, headers={"User-Agent": "zoo"})  # noqa: S310 - declared as https, or this machine
        with build_opener(_Safe).open(request, timeout=_PATIENCE) as answer, part.open("wb") as file:
            announced = int(answer.headers.get("Content-Length") or 0)
            _check_size(where, announced)
            arrived = _copied(answer, file, where, source.file, announced)
    except HTTPError as error:
        hint = f"zoo's plugin may be older than the server: fetch it yourself, {_by_hand(source)}"
        raise WeightsError(where, expected=place, got=f"status {error.code}", hint=hint) from None
    except (URLError, TimeoutError, HTTPException, ConnectionError) as error:
        raise _unreachable(source, where, reason(error), installs) from error
    if announced and arrived != announced:
        got = f"{arrived:,} of {announced:,} bytes"
        raise _unreachable(source, where, got, installs)


def _copied(answer: Any, file: IO[bytes], where: str, name: str, announced: int) -> int:
    """Number of bytes that were copied."""
    arrived = 0
    bar = DownloadBar(desc=name, total=announced or None) if has_viewer() else None
    try:
        while chunk := answer.read(_CHUNK):
            arrived += len(chunk)
            _check_size(where, arrived)
            file.write(chunk)
            if bar is not None:
                bar.update(len(chunk))
    finally:
        if bar is not None:
            bar.close()
    return arrived


def _check_size(where: str, size: int) -> None:
    if size > MOST_BYTES:
        raise WeightsError(where, expected=f"at most {MOST_BYTES:,} bytes", got=f"{size:,} or more")


def _verify(text: str, source: WeightsSource, path: Path) -> None:
    digits = source.digits or ""
    if not (found := sha256(path)).startswith(digits):
        raise WeightsError(
            f"weights {text}",
            expected=f"sha256 {digits[:12]}...",
            got=f"{found[:12]}... from {source.place}",
            hint=f"nothing of it was used; the server or the way to it is damaged, or {_by_hand(source)}",
        )


def _offline() -> bool:
    from huggingface_hub import constants

    return constants.is_offline_mode()


def _by_hand(source: WeightsSource) -> str:
    """The way without a server: torch.hub's folder, which torchvision fills too."""
    return f"put {source.file} into {Path(get_dir()) / 'checkpoints'}"


def _unreachable(source: WeightsSource, where: str, got: str, installs: Sequence[str]) -> WeightsError:
    ways = [*(f"`{command}`" for command in installs), "go online", _by_hand(source)]
    hint = f"{', '.join(ways)}, or leave weights out for random ones"
    return WeightsError(f"{where} cannot be reached", expected=source.place, got=got, hint=hint)
