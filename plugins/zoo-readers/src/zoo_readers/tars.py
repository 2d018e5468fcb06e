"""Tar files of samples, as webdataset writes them: where in them each member lies."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from zoo.errors import DataError, ZooError, reason
from zoo_readers.packages import package

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_END = bytes(512)
"""The block that stands behind the last member of a whole tar file."""

_MOST = 100_000
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a tar file.

    Args:
        shard: path or address of the tar file.
        key: name of the sample, which its members have in common.
        suffix: the rest of the member's name, in lower case and without the dot.
        start: where its bytes begin.
        size: how many they are.
    """

    shard: str
    key: str
    suffix: str
    start: int
    size: int


def addresses(path: str, where: str) -> list[str]:
    """The tar files that a path or an address means.

    Args:
        path: with ranges such as `{000..010}`, signs such as `*` of local files, or a folder.
        where: the data, for messages.

    Raises:
        DataError: there is no file, or a range that runs backwards.

    Example:
        >>> addresses("memory://train-{08..10}.tar", "data")
        ['memory://train-08.tar', 'memory://train-09.tar', 'memory://train-10.tar']
    """
    found = [address for one in _ranges(path, where) for address in _local(one)]
    if not found:
        raise DataError(where, expected="tar files", got="none")
    return found


def _ranges(path: str, where: str) -> list[str]:
    match = _RANGE.search(path)
    if match is None:
        return [path]
    first, last = int(match[1]), int(match[2])
    if not first <= last < first + _MOST:
        got = f"{match[0]} in {path}"
        raise DataError(where, expected=f"a range upwards of at most {_MOST} files", got=got)
    width = len(match[1]) if match[1].startswith("0") else 0
    numbers = (f"{number:0{width}d}" for number in range(first, last + 1))
    return [more for n in numbers for more in _ranges(path[: match.start()] + n + path[match.end() :], where)]


def _local(address: str) -> list[str]:
    """The address itself, or the local files that it means."""
    if "://" in address:
        return [address]
    place = Path(address.removeprefix("file:")).expanduser()
    if place.is_dir():
        return [str(file) for file in sorted(place.rglob("*.tar"))]
    if any(sign in place.name for sign in "*?["):
        return [str(file) for file in sorted(place.parent.glob(place.name))]
    return [str(place)]


def opened(shard: str) -> IO[bytes]:
    """A tar file that can seek.

    Args:
        shard: path or address.

    Raises:
        DataError: it is not there, or cannot be reached.
        MissingPackageError: the package that reads addresses is not installed.
    """
    with reached(shard):
        if "://" not in shard:
            return Path(shard).open("rb")
        file: IO[bytes] = package("fsspec", f"shard {shard}").open(shard, "rb").open()
        return file


@contextmanager
def reached(shard: str) -> Iterator[None]:
    """Errors of opening and reading a tar file, all in one kind.

    Args:
        shard: path or address.

    Raises:
        DataError: it is not there, cannot be reached, or is not given in parts.
    """
    where = f"shard {shard}"
    try:
        yield
    except ZooError:
        raise
    # Libraries of addresses raise errors of their own, and call a server that does not answer a missing file
    except Exception as error:
        cause = error.__cause__ if isinstance(error, FileNotFoundError) else error
        if cause is None or isinstance(cause, FileNotFoundError) or getattr(cause, "status", 0) == _NOT_FOUND:
            raise DataError(where, expected="a tar file", got="nothing there") from None
        hint = f"simplecache::{shard} fetches it whole" if "range requests" in str(cause) else ""
        expected = "a tar file that can be reached" + " in parts" * bool(hint)
        raise DataError(where, expected=expected, got=reason(cause), hint=hint) from error


def members(shard: str) -> Iterator[Member]:
    """The members of a tar file in their order, found by its headers alone.

    Args:
        shard: path or address.

    Raises:
        DataError: it is no tar file, a compressed one, or torn.
    """
    where = f"shard {shard}"
    with reached(shard), opened(shard) as file:
        try:
            tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - the file below is closed
            for info in tar:
                if info.isfile():
                    yield _member(shard, info)
        except (tarfile.TarError, OSError, EOFError) as error:
            file.seek(0)
            if file.read(2) == b"\x1f\x8b":
                got, hint = "a compressed one", "unpack it with gunzip: images are read where they lie"
                raise DataError(where, expected="a plain tar file", got=got, hint=hint) from None
            hint = "fetch or write it again"
            raise DataError(where, expected="a whole tar file", got=reason(error), hint=hint) from None
        # Where a copy broke off between two members, nothing else tells
        file.seek(tar.offset)
        if file.read(len(_END)) not in (_END, b"") or not _ended(file, tar.offset):
            hint = "fetch or write it again"
            raise DataError(where, expected="a whole tar file", got="one without an end", hint=hint)


def _ended(file: Any, offset: int) -> bool:
    """Whether the last block that was read, or the one before it, is an end mark."""
    file.seek(max(0, offset - len(_END)))
    return _END in (file.read(len(_END)), file.read(len(_END)))


def _member(shard: str, info: tarfile.TarInfo) -> Member:
    # As webdataset cuts names: at the first dot behind the last slash
    folder, slash, name = info.name.rpartition("/")
    stem, _, suffix = name.partition(".")
    return Member(shard, f"{folder}{slash}{stem}", suffix.lower(), info.offset_data, info.size)
