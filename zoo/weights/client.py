"""Talking with the Hub through its own client: quick to say no, quiet, and its errors as one line of ours."""

from __future__ import annotations

import errno
import logging
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

from zoo.spec.disk.atomic_write import way_to_write
from zoo.spec.errors import ZooError

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
T = TypeVar("T")

_TROUBLE = 500  # status from which on the fault is the Hub's own, and may pass
_WAITS = (0.5, 2.0)  # seconds before a question is asked a second and a third time
_LONG = 10.0
"""Seconds; a question that took longer was asked again by the client itself."""
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}

# The client asks notebooks for widgets when it is imported; its bars are for terminals alone, see `quiet`.
warnings.filterwarnings("ignore", message="IProgress not found")


@contextmanager
def talking(
    where: str, kind: type[ZooError], *, repo: str, hint: str, expected: str = "the Hub"
) -> Iterator[None]:
    """Keeps the client quiet, and raises what goes wrong as one line of `kind`.

    Args:
        where: how messages call what is done.
        kind: of the error.
        repo: `owner/name`.
        hint: the ways out where the Hub cannot be reached.
        expected: what would do, where the Hub cannot be reached.
    """
    try:
        with quiet():
            yield
    except ZooError:
        raise
    except Exception as error:  # the client raises its transport's own errors, whichever that is
        said = _said(error, repo)
        if said is None:
            got = f"{'neither' if ' or ' in expected else 'no answer'} ({type(error).__name__})"
            raise kind(f"{where} cannot be reached", expected=expected, got=got, hint=hint) from error
        raise kind(where, expected=said[0], got=said[1], hint=said[2]) from error


def is_passing(error: BaseException | None) -> bool:
    """Whether the same question may be answered another time: no connection, or an error of the Hub's own."""
    return isinstance(error, Exception) and not isinstance(error, ZooError) and _said(error, "") is None


def patiently(ask: Callable[[], T]) -> T:
    """The answer to a question that may be asked twice; asked again after a moment where none came.

    The client does so itself for some questions; then it is not done again.
    """
    for wait in _WAITS:
        begun = time.monotonic()
        try:
            return ask()
        except Exception as error:
            if not is_passing(error) or time.monotonic() - begun > _LONG:
                raise
        time.sleep(wait)
    return ask()


def reachable() -> bool:
    """Whether the Hub answers at all. The client itself would retry for half a minute before it says no."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return False
    address = urlsplit(constants.ENDPOINT)
    # Behind a proxy the Hub cannot be reached from here, and need not be
    if getproxies() or not address.hostname:
        return True
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname, port), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the client's news of each retry off the screen, unless the user has asked it for more.

    Its progress bars stay, but on a terminal only.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR if level == logging.WARNING else level)
    unasked = constants.HF_HUB_DISABLE_PROGRESS_BARS is None and not are_progress_bars_disabled()
    hide = unasked and not (sys.stderr is not None and sys.stderr.isatty())
    if hide:
        disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if hide:
            enable_progress_bars()


def _disk_step(error: OSError) -> str:
    way = way_to_write(error)
    return (
        f"{way}, or set HF_HOME" if way == "free space" else "set HF_HOME to a folder that you may write to"
    )


def _said(  # noqa: PLR0911 - one return a kind of answer
    error: Exception, repo: str
) -> tuple[str, str, str | None] | None:
    """What the Hub said no to: expected, got, next step; None where it said nothing."""
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{repo}"
    # By class an EntryNotFoundError, but it says that nobody could be asked. Subclasses stand before their
    # classes below too: a gated repository before one that is not found
    if isinstance(error, errors.LocalEntryNotFoundError):
        return None
    if isinstance(error, errors.GatedRepoError):
        return "access to the repository", "a gated one", f"ask for access at {page}, then {LOG_IN}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            "a repository on the Hub that you may read",
            f"none called {repo}",
            f"check the name; for a private one {LOG_IN}",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return "a branch, tag or commit that is on the Hub", "none of that name", f"see {page}/tree/main"
    if isinstance(error, errors.EntryNotFoundError):
        return "a file that is on the Hub", "none of that name", f"see {page}/tree/main"
    if isinstance(error, errors.HFValidationError):
        return "owner/name of letters, digits, - _ and .", repr(repo), None
    # Before a commit the client has the Hub check the front matter, and makes a list of its complaints
    if isinstance(error, ValueError) and isinstance(error.__cause__, errors.BadRequestError):
        return "a model card that the Hub takes", str(error).splitlines()[-1].strip("- "), None
    if isinstance(error, OSError) and error.errno in _DISK:
        return "a cache that can be written", error.strerror or str(error), _disk_step(error)
    if not isinstance(error, errors.HfHubHTTPError) or error.response.status_code >= _TROUBLE:
        return None
    status = error.response.status_code
    message = error.server_message or error.response.reason_phrase
    tokens = f"make one at {constants.ENDPOINT}/settings/tokens, and {LOG_IN}"
    steps = {
        401: ("a token that the Hub knows", LOG_IN),
        403: ("a token with the right to do this", tokens),
        412: ("nobody else to push meanwhile", "look at what changed there, then push again"),
        429: ("fewer requests", "wait some minutes; who is logged in may ask more often"),
    }
    expected, step = steps.get(status, ("a request that the Hub takes", None))
    return expected, f"{status} {message}".strip(), step
