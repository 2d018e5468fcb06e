"""Work in a fixed division, errors and warnings of all, without any real process."""

from __future__ import annotations

import threading
import warnings

import pytest
import torch

from zoo.runtime.team.link import Alone
from zoo.runtime.team.message import Message, error_of, parts_of
from zoo.runtime.team.team import Team
from zoo.spec.errors import DataError, SaveError, TrainingError, ZooError, ZooWarning, warn

from ...threads_as_processes import Seat, together


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9])
def test_each_item_is_worked_on_once_in_the_batches_of_one_process_and_comes_in_order(
    processes: int, size: int, count: int
) -> None:
    items = list(range(count))
    batches = [items[i : i + size] for i in range(0, count, size)]

    def work(seat: Seat) -> tuple[list[int], list[list[int]]]:
        with Team("count", seat) as team:
            own = team.own(items, size)
            mine = [own[i : i + size] for i in range(0, len(own), size)]
            return own, [list(found["batch"]) for found in team.shared({"batch": batch} for batch in mine)]

    found, _ = together(processes, work)
    assert sorted(item for own, _ in found for item in own) == items
    assert all(got == batches for _, got in found)


def test_tensors_of_any_type_and_shape_and_plain_data_arrive_as_they_were() -> None:
    values = {
        "half": torch.tensor([[1.5], [2.5]], dtype=torch.bfloat16), "flags": torch.tensor([True, False]),
        "none": torch.zeros(0, 3), "one": torch.tensor(3), "strided": torch.arange(6).view(2, 3).T,
        "names": ["a\udce9.png", "é"], "size": [2, 3], "nothing": None,
    }  # fmt: skip
    message = Message(verb="x", kind="item", values=values, heard=["w"])
    found = Message.unpack(message.pack())
    assert (found.verb, found.kind, found.heard) == ("x", "item", ["w"])
    for name, value in values.items():
        if isinstance(value, torch.Tensor):
            assert found.values[name].dtype == value.dtype
            assert torch.equal(found.values[name], value)
        else:
            assert found.values[name] == value


def test_an_error_in_one_process_is_that_of_all_in_its_own_words() -> None:
    def work(seat: Seat) -> None:
        def own():
            yield {"n": 1}
            if seat.process == 1:
                raise DataError("image x.png", expected="an image", got="text", hint="mend it")
            yield {"n": 2}

        with Team("evaluate", seat) as team:
            list(team.shared(own()))

    found, _ = together(3, work)
    assert {type(error) for error in found} == {DataError}
    assert {str(error) for error in found} == {"image x.png: expected an image, got text; mend it"}


def test_an_error_that_is_none_of_ours_names_its_process_in_the_others() -> None:
    def work(seat: Seat) -> None:
        with Team("evaluate", seat) as team:
            if seat.process == 1:
                raise ZeroDivisionError("by zero")
            team.from_first(dict)

    (first, second), _ = together(2, work)
    assert type(second) is ZeroDivisionError
    assert str(first) == "evaluate: process 1: expected it to go on, got ZeroDivisionError: by zero"


def test_of_several_errors_all_raise_the_first_process_one() -> None:
    def work(seat: Seat) -> None:
        with Team("evaluate", seat):
            raise DataError(f"image {seat.process}")

    found, _ = together(3, work)
    assert [str(error) for error in found] == ["image 0"] * 3


def test_what_fails_in_the_first_process_alone_fails_in_those_that_wait_for_its_end() -> None:
    def work(seat: Seat) -> None:
        with Team("evaluate", seat) as team:
            if team.first:
                raise SaveError("file x", expected="a folder", got="none")

    found, _ = together(2, work)
    assert [str(error) for error in found] == ["file x: expected a folder, got none"] * 2


def test_an_interruption_waits_for_nobody_and_the_others_say_who_has_left() -> None:
    def work(seat: Seat) -> None:
        with Team("evaluate", seat) as team:
            if seat.process == 1:
                raise KeyboardInterrupt
            team.from_first(dict)

    (first, second), _ = together(2, work)
    assert type(second) is KeyboardInterrupt
    assert type(first) is TrainingError
    assert "1: KeyboardInterrupt" in str(first)


def test_different_things_done_together_are_refused() -> None:
    def verbs(seat: Seat) -> None:
        with Team(("evaluate", "predict")[seat.process], seat) as team:
            team.from_first(dict)

    found, _ = together(2, verbs)
    words = r"got evaluate \(value\) in process 0 and predict \(value\) in process 1; call the same"
    for error in found:
        with pytest.raises(TrainingError, match=words):
            raise error


def test_other_data_in_one_process_are_refused_by_all() -> None:
    def work(seat: Seat) -> None:
        with Team("evaluate", seat) as team:
            team.agree("data", "other" if seat.process == 2 else "same")

    found, _ = together(3, work)
    said = "evaluate: data: expected one for all processes, got another in process 2 than in process 0"
    assert [str(error).partition(";")[0] for error in found] == [said] * 3


def test_the_first_process_warns_once_of_what_any_has_met_with() -> None:
    shown: list[tuple[str, str]] = []
    lock = threading.Lock()

    def note(message: Warning | str, *place: object, **_: object) -> None:
        with lock:
            shown.append((threading.current_thread().name, str(message)))

    def work(seat: Seat) -> None:
        threading.current_thread().name = str(seat.process)
        with Team("evaluate", seat) as team:
            warn("in all")
            if seat.process == 2:
                warn("in one")
            team.from_first(dict)
            if seat.process == 1:
                warn("at the end")

    with warnings.catch_warnings():
        warnings.simplefilter("always", ZooWarning)
        warnings.showwarning = note
        together(3, work)
    assert shown == [("0", "in all"), ("0", "in one"), ("0", "at the end")]


def test_apart_an_error_is_left_for_the_others_who_wait_elsewhere() -> None:
    def work(seat: Seat) -> None:
        with Team("fit", seat) as team, team.apart():
            if seat.process == 0:
                raise DataError("image x")
            while not seat.room.left:
                pass
            raise RuntimeError("[../gloo/transport/tcp/pair.cc:1] Connection closed by peer")

    (first, second), room = together(2, work)
    assert type(first) is DataError
    assert room.left == ["0: image x"]
    assert "0: image x" in str(second)


def test_a_mistake_of_the_work_itself_is_no_fault_of_the_line() -> None:
    team = Team("fit", Seat(together(1, lambda seat: None)[1], 0))
    with pytest.raises(RuntimeError, match="mat1"), team, team.apart():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_one_process_alone_does_all_by_itself() -> None:
    with Team("x") as team:
        assert (team.process, team.processes, team.first) == (0, 1, True)
        assert team.own([1, 2, 3]) == [1, 2, 3]
        assert team.from_first(lambda: {"a": 1}) == {"a": 1}
        team.agree("data", "same")
        own = object()
        assert next(team.shared(iter([own]))) is own  # type: ignore[list-item]  # nothing is packed
    alone = Alone()
    assert alone.exchange(b"1") == [b"1"]
    alone.leave("")
    assert "got nobody" in str(alone.gone("nobody"))


def test_an_error_class_of_a_plugin_arrives_as_an_error_of_zoos() -> None:
    class OwnError(ZooError):
        pass

    found = error_of(parts_of(OwnError("x", expected="a", got="b")), "fit", 1)
    assert (type(found), str(found)) == (ZooError, "x: expected a, got b")


def test_each_process_takes_the_accelerator_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    room = together(1, lambda seat: None)[1]
    team = Team("x", Seat(room, 0))
    assert team.device("cpu") == torch.device("cpu")
    monkeypatch.setattr("zoo.runtime.team.team.choose_device", lambda device: torch.device(device or "cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert team.device(None) == torch.device("cuda")
    team.processes = 4
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert team.device(None) == torch.device("cuda", 1)
    assert team.device("cuda:0") == torch.device("cuda", 0)
