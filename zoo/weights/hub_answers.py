"""Answers of the Hub as one line: what was expected, what it said, and the next step."""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from zoo.spec.disk.atomic_write import way_to_write
from zoo.spec.errors import ZooError, reason

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"

TROUBLE = 500
"""Status from which on the fault is the Hub's own, and may pass."""

TOO_MANY = 429
LONGEST_WAIT = 60.0
"""Seconds; a Hub that asks to wait for longer is not waited for."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}
_TIMEOUT = 408
_BATCH = "LFS batch API returned errors:"
_MINUTE = 60


class Said(NamedTuple):
    """An answer that was no help: what would have been, what came, and the next step."""

    expected: str
    got: str
    step: str | None


def said(error: BaseException, repo: str) -> Said | None:
    """The answer behind an error of the client; None where nobody answered.

    Args:
        error: as the client raised it, perhaps around the one that says more.
        repo: `owner/name`.
    """
    for behind in _chain(error):
        if (found := _named(behind, repo) or _of_status(behind, repo)) is not None:
            return found
    # Of the error itself alone: below one of the transport a socket was refused, not a file
    if (found := _on_disk(error)) is not None:
        return found
    last = [*_chain(error)][-1]
    if _is_cut(last):
        step = "the way to the Hub is slow or breaks off: try again"
        return Said("the whole file", "a part of it, again and again", step)
    if _is_strange(last):
        step = "check HF_ENDPOINT, and the proxy or log-in page in between"
        return Said("an answer of the Hub", "one that is none of its", step)
    return None


def is_passing(error: BaseException | None) -> bool:
    """Whether the same question may be answered another time: no answer, or trouble of the Hub's own."""
    if not isinstance(error, Exception) or isinstance(error, ZooError):
        return False
    if (status := status_of(error)) is not None:
        return status >= TROUBLE or status == _TIMEOUT
    if any(_named(behind, "") for behind in _chain(error)):
        return False
    last = [*_chain(error)][-1]
    return said(error, "") is None or _is_cut(last) or _is_strange(last)


def status_of(error: BaseException) -> int | None:
    """The status of the answer behind an error; None where there is none."""
    response = next((r for e in _chain(error) if (r := getattr(e, "response", None)) is not None), None)
    return getattr(response, "status_code", None)


def asked_wait(error: BaseException) -> float | None:
    """Seconds that the answer behind an error asks to wait; None where it does not say."""
    for behind in _chain(error):
        response = getattr(behind, "response", None)
        if response is not None:
            return wait_of(response.status_code, response.headers)
    return None


def wait_of(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait before the next question; None where it does not.

    Example:
        >>> wait_of(429, {"retry-after": "7"}), wait_of(429, {"ratelimit": '"api";r=0;t=55'})
        (7.0, 55.0)
        >>> date = {"date": "Wed, 21 Oct 2015 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2015 07:28:09 GMT"}
        >>> wait_of(503, date)
        9.0
    """
    from huggingface_hub.utils._http import parse_ratelimit_headers  # exported, but not for type checkers

    if status != TOO_MANY and status < TROUBLE:
        return None
    limit = parse_ratelimit_headers(headers) if status == TOO_MANY else None
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    lower = {key.lower(): value.strip() for key, value in headers.items()}
    text = lower.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    # By the Hub's own clock, which this machine's need not agree with
    until, now = _seconds(text), _seconds(lower.get("date", ""))
    return None if until is None else max(0.0, until - (time.time() if now is None else now))


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it was raised from; the client hides what the Hub said behind its own."""
    behind: BaseException | None = error
    while behind is not None:
        yield behind
        behind = behind.__cause__


def _named(error: BaseException, repo: str) -> Said | None:  # noqa: PLR0911 - one return a kind of answer
    """What the client has a class of its own for."""
    from huggingface_hub import constants, errors

    page = f"{constants.ENDPOINT}/{repo}"
    # Subclasses stand before their classes: a gated repository before one that is not found
    if isinstance(error, errors.GatedRepoError):
        return Said("access to the repository", "a gated one", f"ask for access at {page}, then {LOG_IN}")
    if isinstance(error, errors.RepositoryNotFoundError):
        step = f"check the name; for a private one {LOG_IN}"
        return Said("a repository on the Hub that you may read", f"none called {repo}", step)
    if isinstance(error, errors.DisabledRepoError):
        return Said("a repository that is open", "one that the Hub has closed", f"see {page}")
    if isinstance(error, errors.RevisionNotFoundError):
        expected = "a branch, tag or commit that is on the Hub"
        return Said(expected, "none of that name", f"see {page}/tree/main")
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return Said("a file that is on the Hub", "none of that name", f"see {page}/tree/main")
    if isinstance(error, errors.HFValidationError):
        return Said("owner/name of letters, digits, - _ and .", repr(repo), None)
    # Before a commit the client has the Hub check the front matter, and makes a list of its complaints
    if isinstance(error, ValueError) and isinstance(error.__cause__, errors.BadRequestError):
        return Said("a model card that the Hub takes", str(error).splitlines()[-1].strip("- "), None)
    # Of files that it does not take the Hub says so in an answer without an error
    if isinstance(error, ValueError) and str(error).startswith(_BATCH):
        return Said("files that the Hub takes", reason(str(error).rpartition("`")[2]), f"see {page}")
    return None


def _on_disk(error: BaseException) -> Said | None:
    """What this machine's disk said; the client keeps what it fetches in a cache."""
    if not isinstance(error, OSError) or error.errno not in _DISK:
        return None
    way = way_to_write(error)
    step = f"{way}, or set HF_HOME"
    if way != "free space":
        step = "set HF_HOME to a folder that you may write to"
    return Said("a cache that can be written", error.strerror or str(error), step)


def _of_status(error: BaseException, repo: str) -> Said | None:
    """What the Hub said by the status of its answer."""
    from huggingface_hub import constants, errors

    if not isinstance(error, errors.HfHubHTTPError):
        return None
    status = error.response.status_code
    message = error.server_message or error.response.reason_phrase
    got = reason(f"{status} {message}".strip())
    tokens = f"make one at {constants.ENDPOINT}/settings/tokens, and {LOG_IN}"
    look = "look at what changed there, then push again"
    steps = {
        401: ("a token that the Hub knows", LOG_IN),
        403: ("a token with the right to do this", tokens),
        404: ("a page that the Hub has", "check the name, and HF_ENDPOINT where it is set"),
        409: ("no other change at the same time", "look at what is there, then try again"),
        412: ("nobody else to push meanwhile", look),
        413: ("less at once", "ask who runs the Hub, or the proxy in between, how much it takes"),
        TOO_MANY: ("fewer requests", f"{_when(error)}; who is logged in may ask more often"),
    }
    expected, step = steps.get(status, ("a request that the Hub takes", f"see {constants.ENDPOINT}/{repo}"))
    if status >= TROUBLE or status == _TIMEOUT:
        later = "try again in some minutes" if asked_wait(error) is None else _when(error)
        expected, step = "an answer", f"the trouble is the Hub's own: {later}"
    return Said(expected, got, step)


def _when(error: BaseException) -> str:
    """The words for when to ask again."""
    wait = asked_wait(error)
    if wait is None:
        return "wait some minutes"
    if wait <= 2 * _MINUTE:
        return f"try again in {math.ceil(wait)} seconds"
    return f"try again in {math.ceil(wait / _MINUTE)} minutes"


def _is_cut(error: BaseException) -> bool:
    """Whether a file broke off; the client has no class of its own for that."""
    return type(error) is OSError and "Consistency check failed" in str(error)


def _is_strange(error: BaseException) -> bool:
    """Whether an answer came that the client did not understand: a proxy's page, or not all that it needs."""
    from huggingface_hub import errors

    kinds = (LookupError, TypeError, ValueError, AttributeError, AssertionError, errors.FileMetadataError)
    # By name: the library that the client asks through is its own affair, and has changed before
    return isinstance(error, kinds) or type(error).__name__ in {"TooManyRedirects", "DecodingError"}
