"""Talking with the Hub through its own client: quick to say no, quiet, and its errors as one line of ours."""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

from zoo.spec.errors import ZooError
from zoo.weights.hub_answers import LONGEST_WAIT, asked_wait, is_passing, said
from zoo.weights.hub_listening import Talk, listen, listening

T = TypeVar("T")

_WAITS = (0.5, 2.0)  # seconds before a question is asked a second and a third time
_LONG = 10.0
"""Seconds; a question that took longer was asked again by the client itself."""

# The client asks notebooks for widgets when it is imported; its bars are for terminals alone, see `quiet`.
warnings.filterwarnings("ignore", message="IProgress not found")
# Where the disk is full its own error follows, as one line of ours
warnings.filterwarnings("ignore", message="Not enough free disk space to download")


@contextmanager
def talking(
    where: str,
    kind: type[ZooError],
    *,
    repo: str,
    hint: str,
    expected: str = "the Hub",
    kept: str | None = None,
) -> Iterator[Talk]:
    """Keeps the client quiet, and raises what goes wrong as one line of `kind`.

    Args:
        where: how messages call what is done.
        kind: of the error.
        repo: `owner/name`.
        hint: the ways out where the Hub cannot be reached.
        expected: what would do, where the Hub cannot be reached.
        kept: the words for what is as it was, where it is not clear of itself.
    """
    try:
        with quiet(), listening() as talk:
            yield talk
    except ZooError:
        raise
    except Exception as error:  # the client raises its transport's own errors, whichever that is
        answer = said(error, repo)
        if answer is None:
            got = f"{'neither' if ' or ' in expected else 'no answer'} ({type(error).__name__})"
            step = "; ".join(filter(None, [kept, hint]))
            raise kind(f"{where} cannot be reached", expected=expected, got=got, hint=step) from error
        step = "; ".join(filter(None, [kept if is_passing(error) else None, answer.step]))
        raise kind(where, expected=answer.expected, got=answer.got, hint=step or None) from error


def patiently(ask: Callable[[], T]) -> T:
    """The answer to a question that may be asked twice; asked again after a moment where none came.

    Where the Hub asks to wait, it is asked once more after that. The client does both itself for some
    questions; then it is not done again.
    """
    waits, asked = list(_WAITS), False
    while True:
        begun = time.monotonic()
        try:
            return ask()
        except Exception as error:
            if time.monotonic() - begun > _LONG:
                raise
            if asked_wait(error) is not None:
                if asked or not waited(error):
                    raise
                asked = True
            elif waits and is_passing(error):
                time.sleep(waits.pop(0))
            else:
                raise
        listen()


def waited(error: Exception) -> bool:
    """Waits for as long as the answer behind an error asks to; False where it asks for none or too much."""
    wait = asked_wait(error)
    if wait is None or wait > LONGEST_WAIT:
        return False
    time.sleep(wait + 1)  # the Hub counts in whole seconds
    return True


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

    Its progress bars stay, but on a terminal only. All of it is one for the process: the first who wants
    quiet makes it, the last one ends it.
    """
    with _lock:
        _wanting.append(True)
        if len(_wanting) == 1:
            _made.enter_context(_quiet())
    try:
        yield
    finally:
        with _lock:
            _wanting.pop()
            if not _wanting:
                _made.close()


_lock = threading.Lock()
_wanting: list[bool] = []
_made = ExitStack()


@contextmanager
def _quiet() -> Iterator[None]:
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
