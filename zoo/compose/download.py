"""Fetching weights from the Hub: through its client's own cache, verified on arrival, quick to say no."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from zoo.spec.component import Weights
from zoo.spec.errors import WeightsError


def fetch(text: str, weights: Weights) -> Path:
    """The local file, downloaded through the Hub's own cache if need be, and verified on arrival.

    Args:
        text: how messages call the weights.
        weights: what to fetch.

    Raises:
        WeightsError: the Hub cannot be reached, has no such file, or the file does not arrive whole.
    """
    path = _download(text, weights)
    sha256 = weights.sha256 or _announced(path)
    if sha256 and not _verified(path, sha256):
        path = _download(text, weights, force=True)
        if not _verified(path, sha256):
            raise WeightsError(
                f"weights {text}",
                expected=f"sha256 {sha256[:12]}...",
                got="another content, twice",
            )
    return path


def fetch_beside(text: str, weights: Weights, file: str) -> Path | None:
    """Another file of the same repository and revision; None where it has none.

    Raises:
        WeightsError: the Hub cannot be reached.
    """
    try:
        return _download(text, weights, file=file)
    except WeightsError as error:
        if type(error.__cause__).__name__ in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
            return None
        raise


def _download(text: str, weights: Weights, *, force: bool = False, file: str | None = None) -> Path:
    from huggingface_hub import constants, errors, hf_hub_download

    file = file or weights.file
    where = f"weights {text}: {file} of {weights.repo}"
    offline = not _reachable(constants.ENDPOINT)
    try:
        with _quiet():
            got = hf_hub_download(
                weights.repo,
                file,
                revision=weights.revision,
                force_download=force,
                local_files_only=offline,
            )
        return Path(got)
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(where, error) from error
    except (
        errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError,
        errors.HFValidationError,
    ) as error:  # fmt: skip
        raise WeightsError(
            where, expected="a file that is on the Hub", got=type(error).__name__,
            hint="check the name and revision, or log in if it is private",
        ) from error  # fmt: skip
    except Exception as error:  # the client raises its transport's own errors, whichever that is
        raise _unreachable(where, error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the client's news of each retry off the screen, unless the user has asked it for more."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR if level == logging.WARNING else level)
    try:
        yield
    finally:
        logger.setLevel(level)


def _reachable(endpoint: str) -> bool:
    """Whether the Hub answers at all. The client itself would retry for half a minute before it says no."""
    address = urlsplit(endpoint)
    if getproxies() or not address.hostname:
        return True
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname, port), timeout=5).close()
    except OSError:
        return False
    return True


def _unreachable(where: str, error: Exception) -> WeightsError:
    return WeightsError(
        f"{where} cannot be reached",
        expected="the Hub or a cached copy",
        got=f"neither ({type(error).__name__})",
        hint='go online, fill the cache that HF_HOME names, give a local file with weights="file:PATH", or '
        "leave weights out for random ones",
    )


def _announced(path: Path) -> str | None:
    """The sha256 that the Hub gave for a large file, after which its cache names the content."""
    name = path.resolve().name
    return name if re.fullmatch(r"[0-9a-f]{64}", name) else None


def _verified(path: Path, sha256: str) -> bool:
    """Whether the file has the hash; remembered beside the Hub's cache by size and time of the file."""
    stat = path.stat()
    stamp = path.resolve().with_suffix(".zoo-verified")
    mark = f"{sha256} {stat.st_size} {stat.st_mtime_ns}"
    try:
        if stamp.read_text() == mark:
            return True
    except OSError:
        pass
    with path.open("rb") as file:
        fine = hashlib.file_digest(file, "sha256").hexdigest() == sha256
    if fine:
        try:
            stamp.write_text(mark)
        except OSError:
            return True  # a read-only cache is verified again next time
    return fine
