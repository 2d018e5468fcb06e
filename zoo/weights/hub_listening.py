"""Requests of the Hub beside its answers: to wait, and to use the name that a repository has now."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from zoo.spec.errors import quote, warn
from zoo.weights.hub_answers import LONGEST_WAIT, TOO_MANY, wait_of

_SOON = 2.0
"""Seconds; nobody needs to be told of a shorter wait."""

_SERVER = 500
_REPO = re.compile(r"/(?:api/models/|(?:api/)?datasets/)?([\w.\-]+/[\w.\-]+)(?:/.*)?")
_lock = threading.Lock()


@dataclass
class Talk:
    """Requests that were heard in the course of a few questions.

    Attributes:
        moved: new names of repositories by their old ones.
        since: when the Hub first asked to wait, on the monotonic clock; None where it answers.
    """

    moved: dict[str, str] = field(default_factory=dict)
    since: float | None = None


_own: ContextVar[Talk | None] = ContextVar("talk", default=None)
_open: list[Talk] = []


@contextmanager
def listening() -> Iterator[Talk]:
    """Has the client wait for as long as the Hub asks, up to a limit, and notes where it sends it."""
    talk = Talk()
    before = _own.set(talk)
    _open.append(talk)
    listen()
    try:
        yield talk
    finally:
        _open.remove(talk)
        _own.reset(before)


def listen() -> None:
    """Hears all answers that the client gets from now on; to be called again after each error of it."""
    from huggingface_hub import get_session

    with _lock:
        session = get_session()  # which an error may have renewed
        hooks = session.event_hooks
        if _hear not in hooks["response"]:
            session.event_hooks = {**hooks, "response": [*hooks["response"], _hear]}


def _hear(response: Any) -> None:  # of the library that the client asks through, which is its own affair
    # The client's own threads have no talk of theirs; and where none is open, somebody else asks
    talk = _own.get() or (_open[-1] if _open else None)
    if talk is None:
        return
    if response.has_redirect_location:
        _note_move(talk, str(response.request.url), response.headers["location"])
    elif response.status_code == TOO_MANY or response.status_code >= _SERVER:
        _note_wait(talk, response)
    else:
        talk.since = None


def _note_move(talk: Talk, url: str, location: str) -> None:
    target = urljoin(url, location)
    if urlsplit(url)[:2] != urlsplit(target)[:2]:
        return  # to where the file lies
    old, new = (_REPO.fullmatch(unquote(urlsplit(place).path)) for place in (url, target))
    if old and new and old[1] != new[1]:
        talk.moved[old[1]] = new[1]


def _note_wait(talk: Talk, response: Any) -> None:
    """Bounds the wait that an answer asks for: the client would sleep for whatever it says."""
    from huggingface_hub import hf_raise_for_status

    wait = wait_of(response.status_code, response.headers)
    if wait is None:
        return
    now, first = time.monotonic(), talk.since is None
    talk.since = now if talk.since is None else talk.since
    if wait > LONGEST_WAIT or now - talk.since > LONGEST_WAIT:
        response.read()
        hf_raise_for_status(response)
    # The client reads seconds alone, and no date
    response.headers["Retry-After"] = str(math.ceil(wait))
    if first and wait > _SOON:
        why = "it was asked too often" if response.status_code == TOO_MANY else "it has trouble of its own"
        warn(f"the Hub asks to wait {math.ceil(wait)} seconds, as {why}; waiting")


def warn_moved(talk: Talk, repo: str, where: str) -> str:
    """The name that a repository has now; warns where it is another one.

    Args:
        talk: in which it was asked for.
        repo: as it was called.
        where: how messages call what is done.
    """
    new = talk.moved.get(repo, repo)
    if new != repo:
        warn(f"{where}: the repository is called {new} now: say so in the place of {quote(repo)}")
    return new
