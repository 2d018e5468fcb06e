import threading
from collections.abc import Callable

import pytest
import torch

import zoo
from zoo.interfaces.model import Model
from zoo.runtime.devices import _not_called, borrowed, norms_of_one_number
from zoo.spec.errors import TrainingError

Make = Callable[..., Model]
CPU, META = torch.device("cpu"), torch.device("meta")


def in_thread(function: Callable[[], object]) -> list[BaseException]:
    """Calls a function in a thread of its own and returns what it raised."""
    raised: list[BaseException] = []

    def call() -> None:
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return raised


def test_the_last_of_several_threads_gives_the_model_back(make_model: Make) -> None:
    model = make_model().train()
    inside, leave = threading.Event(), threading.Event()
    modes: list[bool] = []

    def first() -> None:
        with borrowed(model, CPU, inference=True):
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(60)
    with borrowed(model, CPU, inference=True):
        leave.set()
        thread.join(60)
        modes.append(model.training)
    assert modes == [False]
    assert model.training
    assert all(module.training for module in model.modules())


def borrow(model: Model, device: torch.device, inference: bool) -> Callable[[], None]:
    def use() -> None:
        with borrowed(model, device, inference=inference):
            pass

    return use


def test_a_model_that_a_thread_trains_is_no_other_thread_s(make_model: Make) -> None:
    model = make_model().train()
    with borrowed(model, CPU):
        for inference in (True, False):
            (error,) = in_thread(borrow(model, CPU, inference))
            assert isinstance(error, TrainingError)
            assert "expected one that no other thread has, got one that another thread trains" in str(error)
        # Where a callback of the training measures, the model is no more the others'
        with borrowed(model, CPU, inference=True):
            assert not model.training
            assert len(in_thread(borrow(model, CPU, True))) == 1
        assert model.training
    assert in_thread(borrow(model, CPU, True)) == []


def test_a_model_in_use_is_on_one_device_and_not_trained(make_model: Make) -> None:
    model = make_model()
    with borrowed(model, CPU, inference=True):
        (error,) = in_thread(borrow(model, META, True))
        assert "expected cpu, where another thread has it, got meta" in str(error)
        (error,) = in_thread(borrow(model, CPU, False))
        assert "got one that another thread uses" in str(error)
    assert next(model.parameters()).device == CPU


def test_one_thread_borrows_again_inside_and_the_modes_are_those_of_before(make_model: Make) -> None:
    model = make_model().train()
    model.head.eval()
    with borrowed(model, CPU, inference=True), borrowed(model, CPU, inference=True):
        assert not model.training
    assert model.training
    assert not model.head.training
    with pytest.raises(RuntimeError, match="inside"), borrowed(model, CPU, inference=True):
        raise RuntimeError("inside")
    assert model.training


@pytest.mark.parametrize(("size", "seen"), [(4, True), (64, False)])
def test_batch_norms_that_would_see_one_number_are_named(size: int, seen: bool) -> None:
    model = zoo.build("tiny_resnet", head="binary", in_channels=1, input_size=size, seed=0).train()
    found = norms_of_one_number(model)
    assert bool(found) is seen
    assert {*found} <= {name for name, _ in model.named_modules()}
    assert norms_of_one_number(model.eval()) == []
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize(("size", "seen"), [(16, True), (32, False)])
def test_batch_norms_of_a_network_that_the_model_does_not_call_are_tried_too(size: int, seen: bool) -> None:
    generator = {"name": "srresnet", "scale": 2, "width": 8, "blocks": 1}
    discriminator = {"name": "srgan_discriminator", "width": 4, "head": "binary"}
    model = zoo.build("srgan", input_size=size, seed=0, generator=generator, discriminator=discriminator)
    named = norms_of_one_number(model.train())
    assert bool(named) is seen
    assert all(name.startswith("discriminator.") for name in named)
    # Its own names alone: those of another network that begin alike are not its
    assert [*_not_called(model, ["discriminator_of_another.bn"])] == []
    assert [*_not_called(model, ["discriminator.bn", "head.bn"])] == [model.discriminator]
