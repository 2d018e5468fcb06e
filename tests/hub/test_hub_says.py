"""What the Hub says, by status and beside it: told in one line, waited for, followed; a retry succeeds."""

from __future__ import annotations

import json
import logging
import time
from email.utils import formatdate

import pytest
import torch

import zoo
from zoo.spec.errors import SaveError, WeightsError, ZooWarning
from zoo.weights import client
from zoo.weights.hub_answers import wait_of

from . import server as faults
from .server import Reply, saying

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


@pytest.fixture
def cats(hub, tmp_path, make):
    """A repository with a model."""
    folder = zoo.save(make("mlp"), tmp_path / "saved")
    hub.commit("me/cats", {p.name: p.read_bytes() for p in folder.iterdir()})
    return hub


@pytest.fixture
def slept(monkeypatch):
    """Seconds that were waited, without waiting."""
    real, found = time.sleep, []

    def sleep(seconds):
        found.append(seconds)
        real(0.001)

    monkeypatch.setattr("time.sleep", sleep)
    return found


def same(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


NEXT = {
    400: "a request that the Hub takes, got 400 no; see",
    401: "a token that the Hub knows, got 401 no; log in",
    402: "a request that the Hub takes, got 402 no; see",
    403: "a token with the right to do this, got 403 no; make one at .*/settings/tokens",
    404: "a page that the Hub has, got 404 no; check the name, and HF_ENDPOINT where it is set",
    408: "an answer, got 408 no; .*try again in some minutes",
    409: "no other change at the same time, got 409 no; look at what is there, then try again",
    412: "nobody else to push meanwhile, got 412 no; look at what changed there, then push again",
    413: "less at once, got 413 no; ask who runs the Hub, or the proxy in between, how much it takes",
    429: "fewer requests, got 429 no; wait some minutes",
    500: "an answer, got 500 no; .*the trouble is the Hub's own: try again in some minutes",
    502: "an answer, got 502 no; .*the trouble is the Hub's own: try again in some minutes",
    503: "an answer, got 503 no; .*the trouble is the Hub's own: try again in some minutes",
}
PULL = {"look": ("GET", "/api/"), "ask": ("HEAD", "/resolve/"), "fetch": ("GET", "/resolve/")}
PUSH = {
    "look": ("GET", "/api/models"),
    "ask": ("POST", "preupload"),
    "batch": ("POST", "batch"),
    "send": ("PUT", "/lfs/"),
    "commit": ("POST", "/commit/"),
}


FEW = [429, 500]
"""Statuses that are tried at each question; all at one, and each at each in the slow suite."""


def each(statuses, steps, all_at):
    """Pairs of status and step, those marked as slow that say little more than the others."""
    pairs = [(status, step) for status in statuses for step in steps]
    slow = [() if status in FEW or step == all_at else pytest.mark.slow for status, step in pairs]
    return [
        pytest.param(*pair, marks=mark, id=f"{pair[0]}-{pair[1]}")
        for pair, mark in zip(pairs, slow, strict=True)
    ]


@pytest.mark.parametrize(("status", "step"), each(NEXT, PULL, "ask"))
@pytest.mark.usefixtures("impatient")
def test_every_status_of_a_pull_is_one_line_of_what_the_hub_said(cats, make, step, status):
    cats.fail(saying(status), PULL[step][0], times=99, at=PULL[step][1])
    with pytest.raises(WeightsError, match=f"me/cats: expected {NEXT[status]}") as caught:
        zoo.pull("me/cats")
    assert not any(mark in str(caught.value) for mark in ("\n", "Error)", "no answer", "neither"))
    cats._faults.clear()
    assert same(zoo.pull("me/cats"), make("mlp"))


@pytest.mark.parametrize(("status", "step"), each(NEXT, PUSH, "look"))
@pytest.mark.usefixtures("writing", "impatient")
def test_every_status_of_a_push_is_one_line_of_what_the_hub_said(hub, make, step, status):
    zoo.push(make("mlp"), "me/cats")
    before = hub.find("me/cats")
    hub.fail(saying(status), PUSH[step][0], times=99, at=PUSH[step][1])
    if step == "commit":  # the fault takes the answer; this one takes the commit too
        key = next(k for k in hub.routes if "/commit/" in k[1])
        real, hub.routes[key] = hub.routes[key], lambda *_, **__: Reply(200)
    with pytest.raises(SaveError, match=f"me/cats: expected {NEXT[status]}") as caught:
        zoo.push(make("mlp", seed=1), "me/cats")
    assert not any(mark in str(caught.value) for mark in ("\n", "Error)", "no answer"))
    assert hub.find("me/cats") == before
    hub._faults.clear()
    if step == "commit":
        hub.routes[key] = real
    assert zoo.push(make("mlp", seed=1), "me/cats").commit == hub.find("me/cats")[0]


@pytest.mark.parametrize("step", ["look", "fetch"])
@pytest.mark.usefixtures("impatient")
def test_a_page_of_a_proxy_is_told_as_an_answer_that_is_none_of_the_hubs(cats, step):
    method, at = PULL["ask" if step == "fetch" else step]
    cats.fail(faults.page, method, times=99, at=at)
    with pytest.raises(WeightsError, match="an answer of the Hub, got one that is none of its; check HF_END"):
        zoo.pull("me/cats")


@pytest.mark.usefixtures("writing")
def test_files_that_the_hub_does_not_take_are_told_in_its_words(hub, make):
    zoo.push(make("mlp"), "me/cats")
    before = hub.find("me/cats")

    def refused(reply):
        wanted = json.loads(reply.body)["objects"]
        error = {"code": 403, "message": "storage is used up"}
        return Reply.json({"objects": [{"oid": one["oid"], "size": 1, "error": error} for one in wanted]})

    hub.fail(refused, "POST", at="batch")
    with pytest.raises(SaveError, match="files that the Hub takes, got storage is used up; see http"):
        zoo.push(make("mlp", seed=1), "me/cats")
    assert hub.find("me/cats") == before
    assert zoo.push(make("mlp", seed=1), "me/cats").files


# -- waiting -----------------------------------------------------------------------------------------------


WAITS = {
    "seconds": lambda: {"Retry_After": "9"},
    "a date": lambda: {"Retry_After": formatdate(time.time() + 9, usegmt=True)},
    "its own": lambda: {"RateLimit": '"api";r=0;t=9'},
}


HEARD = [(429, step, "seconds") for step in PULL]
HEARD += [(503, "look", "seconds"), (429, "ask", "a date"), (429, "fetch", "its own")]


@pytest.mark.parametrize(("status", "step", "form"), HEARD)
def test_a_pull_waits_as_long_as_it_is_asked_to(cats, make, slept, status, step, form):  # noqa: PLR0917
    method, at = PULL[step]
    # The client asks for a head twice at once where nothing is cached
    cats.fail(saying(status, **WAITS[form]()), method, times=2 if step == "ask" else 1, at=at)
    with pytest.warns(ZooWarning, match=r"the Hub asks to wait [89] seconds, as it .*; waiting"):
        assert same(zoo.pull("me/cats"), make("mlp"))
    assert max(slept) in {9, 10}  # it counts in whole seconds


@pytest.mark.parametrize(("step", "form"), [*((step, "seconds") for step in PUSH), ("send", "a date")])
@pytest.mark.usefixtures("writing")
def test_a_push_waits_as_long_as_it_is_asked_to(hub, make, slept, step, form):
    zoo.push(make("mlp"), "me/cats")
    hub.fail(saying(429, **WAITS[form]()), PUSH[step][0], at=PUSH[step][1])
    if step == "commit":  # the fault takes the answer; this one takes the commit too
        key = next(k for k in hub.routes if "/commit/" in k[1])
        real, lost = hub.routes[key], []
        hub.routes[key] = lambda *a, **b: real(*a, **b) if lost else lost.append(1) or Reply(200)
    with pytest.warns(ZooWarning, match="the Hub asks to wait [89] seconds, as it was asked too"):
        pushed = zoo.push(make("mlp", seed=1), "me/cats")
    assert pushed.commit == hub.find("me/cats")[0]
    assert max(slept) in {9, 10}


@pytest.mark.usefixtures("writing")
def test_files_that_are_sent_side_by_side_wait_too(hub, make, slept, tmp_path):
    folder = zoo.save(make("mlp"), tmp_path / "run")
    (folder / "curves.png").write_bytes(b"\x89PNG image")
    hub.fail(saying(429, **WAITS["a date"]()), "PUT", at="/lfs/")
    with pytest.warns(ZooWarning, match="the Hub asks to wait [89] seconds"):
        zoo.push(folder, "me/cats")
    assert max(slept) in {9, 10}
    hub.fail(saying(429, Retry_After="3600"), "PUT", times=9, at="/lfs/")
    (folder / "curves.png").write_bytes(b"\x89PNG another")
    with pytest.raises(SaveError, match="got 429 no; try again in 60 minutes"):
        zoo.push(zoo.save(make("mlp", seed=1), folder), "me/cats")
    assert sum(slept) < 20


@pytest.mark.parametrize("step", PULL)
def test_a_wait_beyond_the_limit_is_told_and_not_slept(cats, slept, make, step):
    cats.fail(saying(429, Retry_After="3600"), PULL[step][0], times=99, at=PULL[step][1])
    with pytest.raises(
        WeightsError, match="fewer requests, got 429 no; try again in 60 minutes; who is logg"
    ):
        zoo.pull("me/cats")
    assert sum(slept) < 10
    cats._faults.clear()
    assert same(zoo.pull("me/cats"), make("mlp"))


@pytest.mark.parametrize("step", PUSH)
@pytest.mark.usefixtures("writing")
def test_a_push_is_not_kept_waiting_beyond_the_limit(hub, slept, make, step):
    zoo.push(make("mlp"), "me/cats")
    before = hub.find("me/cats")
    hub.fail(saying(429, Retry_After="61"), PUSH[step][0], times=99, at=PUSH[step][1])
    if step == "commit":
        key = next(k for k in hub.routes if "/commit/" in k[1])
        hub.routes[key] = lambda *_, **__: Reply(200)
    with pytest.raises(SaveError, match="fewer requests, got 429 no; try again in 61 seconds"):
        zoo.push(make("mlp", seed=1), "me/cats")
    assert slept == []
    assert hub.find("me/cats") == before


def test_a_hub_that_asks_to_wait_again_and_again_is_told_after_once(cats, slept):
    cats.fail(saying(429, Retry_After="9"), times=99, at="/api/")
    with (
        pytest.warns(ZooWarning, match="wait 9 seconds"),
        pytest.raises(WeightsError, match="429 no; try again in 9 seconds"),
    ):
        zoo.pull("me/cats")
    assert slept == [10]


def test_the_clients_waits_end_where_a_minute_is_over(cats, slept, monkeypatch):
    clock = iter(range(0, 10_000, 50))
    monkeypatch.setattr("zoo.weights.hub_listening.time.monotonic", lambda: next(clock))
    cats.fail(saying(429, Retry_After="40"), times=99, at="/resolve/")
    with (
        pytest.warns(ZooWarning, match="wait 40 seconds"),
        pytest.raises(WeightsError, match="429 no; try again in 40 seconds"),
    ):
        zoo.pull("me/cats")
    assert slept.count(41) < 5


def test_a_date_without_the_hubs_clock_is_taken_by_this_machines():
    asked = wait_of(429, {"Retry-After": formatdate(time.time() + 30, usegmt=True)})
    assert 25 < asked <= 30
    assert wait_of(429, {"Retry-After": formatdate(0)}) == 0
    assert wait_of(429, {"Retry-After": formatdate(9), "Date": formatdate(0)}) == 9
    assert wait_of(429, {"Retry-After": "soon"}) is None
    assert wait_of(429, {"ratelimit": '"api";r=3;t=55'}) is None


def test_other_users_of_the_client_are_left_alone(cats):
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    zoo.pull("me/cats")
    cats.fail(saying(429, Retry_After="9"), at="/api/")
    with pytest.raises(HfHubHTTPError):  # and no warning of ours
        HfApi().model_info("me/cats")


# -- names and gates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_renamed_repository_is_followed_and_its_name_told(cats, make, status):
    cats.repos["me/felines"] = cats.repos.pop("me/cats")
    cats.heads["me/felines", "main"] = cats.heads.pop(("me/cats", "main"))
    cats.moved["me/cats"] = ("me/felines", status)
    with pytest.warns(
        ZooWarning, match="the repository is called me/felines now: say so in the place of 'me/ca"
    ):
        assert same(zoo.pull("me/cats"), make("mlp"))
    cats.stop()
    assert same(zoo.pull("me/cats"), make("mlp"))  # by the old name, from the cache


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.usefixtures("writing")
def test_a_push_goes_on_under_the_new_name(hub, make, status):
    zoo.push(make("mlp"), "me/cats")
    hub.repos["me/felines"] = hub.repos.pop("me/cats")
    hub.heads["me/felines", "main"] = hub.heads.pop(("me/cats", "main"))
    hub.moved["me/cats"] = ("me/felines", status)
    with pytest.warns(ZooWarning, match="called me/felines now"):
        pushed = zoo.push(make("mlp", seed=1), "me/cats")
    assert pushed.reference == f"hf://me/felines@{hub.find('me/felines')[0]}"
    assert 'zoo.pull("me/felines")' in hub.find("me/felines")[1]["README.md"].decode()
    assert same(zoo.pull("me/felines"), make("mlp", seed=1))


GATED = "expected access to the repository, got a gated one; ask for access at .*/me/cats, then log in with"


@pytest.mark.usefixtures("impatient")
def test_a_gated_repository_says_where_to_ask_and_a_retry_succeeds(cats, make):
    cats.gates["me/cats"] = Reply.error("GatedRepo", 403)
    with pytest.raises(WeightsError, match=GATED) as caught:
        zoo.pull("me/cats")
    assert "\n" not in str(caught.value)
    cats.gates.clear()
    # What is gated may be looked at, and not fetched
    cats.fail(lambda _: Reply.error("GatedRepo", 403), "HEAD", times=9)
    with pytest.raises(WeightsError, match=GATED):
        zoo.pull("me/cats")
    cats._faults.clear()
    assert same(zoo.pull("me/cats"), make("mlp"))


@pytest.mark.usefixtures("writing")
def test_a_gated_repository_is_not_made_anew_by_a_push(hub, make):
    zoo.push(make("mlp"), "me/cats")
    before = hub.find("me/cats")
    hub.gates["me/cats"] = Reply.error("GatedRepo", 403)
    with pytest.raises(SaveError, match=GATED):
        zoo.push(make("mlp", seed=1), "me/cats")
    assert not any(line == "POST /api/repos/create" for line in hub.asked[-2:])
    assert hub.find("me/cats") == before


@pytest.mark.usefixtures("writing")
def test_a_repository_that_was_made_meanwhile_is_taken(hub, make):
    key = ("POST", "/api/repos/create")
    real = hub.routes[key]
    hub.routes[key] = lambda request: real(request) and Reply.json({"error": "You already created it"}, 409)
    assert zoo.push(make("mlp"), "me/cats").commit == hub.find("me/cats")[0]


@pytest.mark.usefixtures("writing")
def test_a_name_that_another_has_and_shows_to_nobody_is_told(hub, make):
    hub.routes["POST", "/api/repos/create"] = lambda _: Reply.json({"error": "already there"}, 409)
    with pytest.raises(SaveError, match="no other change at the same time, got 409 already there; look at"):
        zoo.push(make("mlp"), "me/cats")
    assert hub.repos == {}


def test_quiet_ends_with_the_last_who_wanted_it():
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    try:
        logger.setLevel(logging.WARNING)
        one, two = client.quiet(), client.quiet()
        one.__enter__()
        two.__enter__()
        one.__exit__(None, None, None)
        assert logger.level == logging.ERROR
        two.__exit__(None, None, None)
        assert logger.level == logging.WARNING
    finally:
        logger.setLevel(before)
