import copy
import inspect

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import optimizer as torchs
from torch.optim.lr_scheduler import ReduceLROnPlateau

import zoo
from zoo.interfaces.execution import Execution
from zoo.spec.errors import OptionError, TrainingError
from zoo.spec.trainers.optimizers import OPTIMIZERS, REFUSED
from zoo.trainers import Optimizer, read_optimizer
from zoo.trainers import optimizer as kit
from zoo.trainers.fused import FusedSteps
from zoo.trainers.rates import from_rates

HOW = {"lr", "foreach", "fused", "capturable", "differentiable", "maximize"}
"""Arguments of torch's optimizers that are the trainer's, or say how a step is computed."""

RATES = {"backbone": 0.1, "head": 1.0}


def net() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict({"backbone": nn.Linear(3, 4), "head": nn.Linear(4, 1)})


def parts(network: nn.ModuleDict) -> dict[str, list[nn.Parameter]]:
    return {name: list(part.parameters()) for name, part in network.items()}


def plain() -> Execution:
    return Execution(fused=False)


def train(network: nn.ModuleDict, optimizer: Optimizer, steps: int, seed: int = 1) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.randn(8, 3, generator=generator)
        (network["head"](network["backbone"](x).tanh()) - x[:, :1]).square().mean().backward()
        optimizer.step()


def flat(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


# -- optimizers by name ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_options_and_defaults_are_torchs_own(name: str) -> None:
    spec = read_optimizer(name)
    theirs = {
        option: parameter.default
        for option, parameter in inspect.signature(getattr(torch.optim, spec.torch_name)).parameters.items()
        if option not in {"params", *HOW}
    }
    assert spec.values == theirs


def test_every_optimizer_of_torchs_is_offered_or_refused_with_the_reason() -> None:
    theirs = {
        name.lower()
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    }
    assert theirs - {"optimizer"} == {*OPTIMIZERS, *REFUSED}
    for name in REFUSED:
        with pytest.raises(OptionError, match=f"expected an optimizer .*{name}"):
            read_optimizer(name)


@pytest.mark.parametrize("name", [name for name, spec in OPTIMIZERS.items() if not spec.matrices_only])
def test_a_step_is_torchs_own(name: str) -> None:
    network, twin = net(), net()
    ours = Optimizer(parts(network), lr=0.01, spec=name, execution=plain())
    kind = getattr(torch.optim, read_optimizer(name).torch_name)
    theirs = Optimizer(parts(twin), lr=0.01, execution=plain())
    theirs._wrapped = kind(twin.parameters(), lr=0.01)
    train(network, ours, 3)
    train(twin, theirs, 3)
    assert torch.equal(flat(network), flat(twin))
    assert not torch.equal(flat(network), flat(net()))


def test_keras_rmsprop_is_a_table() -> None:
    optimizer = Optimizer(parts(net()), lr=0.01, spec={"name": "rmsprop", "alpha": 0.9, "eps": 1e-7})
    assert [(g["alpha"], g["eps"]) for g in optimizer.param_groups] == [(0.9, 1e-7)]


def test_an_optimizer_of_matrices_names_what_it_cannot_take() -> None:
    with pytest.raises(OptionError, match=r"optimizer muon: expected .* matrices, got one of 1 dimensions"):
        Optimizer(parts(net()), lr=0.01, spec="muon")
    network = nn.ModuleDict({"backbone": nn.Linear(3, 4, bias=False), "head": nn.Linear(4, 1, bias=False)})
    train(network, Optimizer(parts(network), lr=0.01, spec="muon"), 1)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"name": "rmsprop", "alhpa": 0.9}, r"among alpha, centered, eps, .*; did you mean alpha\?"),
        ({"name": "rmsprop", "betas": [0.5, 0.9]}, "expected options among alpha, centered, eps, momentum"),
        ({"name": "adam", "lr": 0.1}, "expected lr beside the optimizer"),
        ({"name": "sgd", "momentum": 2}, "momentum: expected less than 1"),
        ("AdamW", "did you mean adamw"),
    ],
)
def test_a_wrong_option_names_those_of_its_optimizer(value: object, words: str) -> None:
    with pytest.raises(OptionError, match=words) as caught:
        read_optimizer(value)
    assert "\n" not in str(caught.value)


# -- groups ------------------------------------------------------------------------------------------------


def test_parts_of_equal_rate_are_one_group_and_told_apart() -> None:
    network = net()
    one = Optimizer(parts(network), lr=0.1)
    assert [len(group["params"]) for group in one.param_groups] == [4]
    assert one.values == {"backbone": 0.1, "head": 0.1}
    two = Optimizer(parts(network), lr=RATES)
    assert [len(group["params"]) for group in two.param_groups] == [2, 2]
    assert two.values == RATES
    table = Optimizer(parts(network), lr={"backbone": 0.1, "head": 0.1})
    assert len(table.param_groups) == 1


def test_one_group_trains_as_one_for_each_part() -> None:
    network, twin = net(), net()
    train(network, Optimizer(parts(network), lr=0.01, spec="rmsprop"), 5)
    apart = Optimizer(parts(twin), lr=0.01, spec="rmsprop", execution=plain())
    assert len(apart.param_groups) == 2
    train(twin, apart, 5)
    assert torch.equal(flat(network), flat(twin))


def test_frozen_parameters_are_left_out_and_all_frozen_is_an_error() -> None:
    network = net()
    network["backbone"].requires_grad_(False)
    assert Optimizer(parts(network), lr=0.1).values == {"head": 0.1}
    network["head"].requires_grad_(False)
    with pytest.raises(TrainingError, match="something to train, got all frozen"):
        Optimizer(parts(network), lr=0.1)


# -- schedules ---------------------------------------------------------------------------------------------


def test_each_part_keeps_its_share_of_the_schedule() -> None:
    network = net()
    optimizer = Optimizer(parts(network), lr=RATES, spec="sgd", schedule="linear", epochs=2, steps=5)
    assert optimizer.values == RATES
    train(network, optimizer, 5)
    assert optimizer.values == pytest.approx({"backbone": 0.05, "head": 0.5})


def test_rates_go_on_where_they_were() -> None:
    networks = net(), net()
    unbroken, resumed = (
        Optimizer(parts(n), lr=RATES, spec="sgd", schedule="linear", epochs=2, steps=5) for n in networks
    )
    train(networks[0], unbroken, 5)
    resumed.load_state_dict(copy.deepcopy(unbroken.state_dict()))
    assert resumed.values == unbroken.values
    train(networks[0], unbroken, 1)
    train(networks[1], resumed, 1)
    assert resumed.values == unbroken.values == pytest.approx({"backbone": 0.04, "head": 0.4})


PLATEAUS = [
    ({}, {}),
    ({"min_delta": 0.06}, {"threshold": 0.06, "threshold_mode": "abs"}),
    ({"cooldown": 2}, {"cooldown": 2}),
    ({"min_lr": 0.4}, {"min_lr": 0.4}),
    ({"least": 0.4}, {"min_lr": 0.4}),
]


@pytest.mark.parametrize(("ours", "theirs"), PLATEAUS)
def test_plateau_is_torchs_own_and_goes_on_where_it_was(ours: dict, theirs: dict) -> None:
    losses = [1.0, 0.9, 0.95, 0.92, 0.91, 0.5, 0.6, 0.6, 0.6, 0.59, 0.58, 0.58, 0.58]
    reference = torch.optim.SGD(net().parameters(), lr=1.0)
    torchs = ReduceLROnPlateau(reference, factor=0.5, patience=1, **theirs)
    schedule = {"name": "plateau", "by": 0.5, "patience": 1, **ours}
    optimizer = Optimizer(parts(net()), lr=RATES, spec="sgd", schedule=schedule)
    seen = []
    for i, loss in enumerate(losses):
        if i == 4:
            state = copy.deepcopy(optimizer.state_dict())
            optimizer = Optimizer(parts(net()), lr=RATES, spec="sgd", schedule=schedule)
            optimizer.load_state_dict(state)
        torchs.step(loss)
        optimizer.end_epoch(loss)
        seen.append(reference.param_groups[0]["lr"])
        assert optimizer.values["head"] == seen[-1]
    assert seen[-1] < 1


def test_the_options_of_a_plateau_change_it() -> None:
    ends = []
    for ours, _ in PLATEAUS[:4]:
        schedule = {"name": "plateau", "by": 0.5, "patience": 1, **ours}
        optimizer = Optimizer(parts(net()), lr=1.0, spec="sgd", schedule=schedule)
        for loss in (1.0, 0.95, 0.92, 0.91, 0.9, 0.95, 0.95, 0.95, 0.95):
            optimizer.end_epoch(loss)
        ends.append(optimizer.values["head"])
    assert len(set(ends)) == 4


def test_plateau_can_watch_what_should_grow() -> None:
    schedule = {"name": "plateau", "by": 0.5, "patience": 0}
    optimizer = Optimizer(parts(net()), lr=1.0, spec="sgd", schedule=schedule, higher_is_better=True)
    for value in (0.5, 0.6, 0.7):
        optimizer.end_epoch(value)
    assert optimizer.values["head"] == 1
    optimizer.end_epoch(0.6)
    assert optimizer.values["head"] == 0.5


# -- kernels -----------------------------------------------------------------------------------------------

FUSED = ["adam", "adamw", "adagrad", {"name": "sgd", "momentum": 0.9, "nesterov": True}]


@pytest.mark.parametrize("spec", FUSED, ids=str)
def test_fused_steps_end_where_the_others_do(spec: object) -> None:
    network, twin = net(), net()
    fused = Optimizer(parts(network), lr=0.01, spec=spec, clip_norm=0.5, schedule="cosine", steps=100)
    assert fused.fused
    assert fused.param_groups[0]["fused"]
    train(network, fused, 100)
    train(
        twin,
        Optimizer(
            parts(twin), lr=0.01, spec=spec, clip_norm=0.5, schedule="cosine", steps=100, execution=plain()
        ),
        100,
    )
    torch.testing.assert_close(flat(network), flat(twin), rtol=0, atol=1e-6)


class Left(Execution):
    """Takes the steps by torch's own `step`."""

    def step(self, optimizer, clip_norm=None, parameters=()) -> None:
        super().step(optimizer, clip_norm, parameters)


SHORT = [
    "adam",
    {"name": "adam", "amsgrad": True, "weight_decay": 0.1},
    {"name": "adam", "decoupled_weight_decay": True, "weight_decay": 0.1, "betas": [0.5, 0.9]},
    {"name": "adamw", "eps": 1e-3},
]


@pytest.mark.parametrize("spec", SHORT, ids=str)
def test_short_steps_are_those_of_torchs_own_fused_optimizer(spec: object) -> None:
    ends = []
    for execution in (Execution(), Left()):
        network = net()
        how = {"lr": RATES, "spec": spec, "schedule": "cosine", "steps": 20, "execution": execution}
        optimizer = Optimizer(parts(network), **how)
        assert isinstance(optimizer._wrapped, FusedSteps) is (type(execution) is Execution)
        train(network, optimizer, 5)
        network["head"].bias.requires_grad_(False)  # a step without all gradients
        train(network, optimizer, 1)
        network["head"].bias.requires_grad_(True)
        train(network, optimizer, 5)
        state = copy.deepcopy(optimizer.state_dict())
        optimizer.load_state_dict(state)  # other tensors from now on
        train(network, optimizer, 5)
        ends.append((flat(network), optimizer.state_dict()["optimizer"]["state"]))
    assert torch.equal(ends[0][0], ends[1][0])
    for index, state in ends[0][1].items():
        assert all(torch.equal(value, ends[1][1][index][name]) for name, value in state.items())


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[object]]:
    """Calls of torch's `step` of Adam, and of its kernel."""
    seen: dict[str, list[object]] = {"step": [], "kernel": []}
    own, kernel = torch.optim.Adam.step, torch._fused_adam_

    def step(self, closure=None):
        seen["step"].append(self)
        return own(self, closure)

    def move(*args, **options):
        seen["kernel"].append(options)
        return kernel(*args, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    monkeypatch.setattr(torch, "_fused_adam_", move)
    return seen


def as_it_is(optimizer: Optimizer) -> None:
    pass


def rate_as_tensor(optimizer: Optimizer) -> None:
    optimizer.param_groups[0]["lr"] = torch.tensor(0.003)


def betas_as_tensors(optimizer: Optimizer) -> None:
    optimizer.param_groups[0]["betas"] = (torch.tensor(0.8), torch.tensor(0.99))


def rate_of_another_library(optimizer: Optimizer) -> None:
    optimizer.param_groups[0]["lr"] = np.float64(0.003)


def scaled_gradients(optimizer: Optimizer) -> None:
    optimizer.torch.grad_scale, optimizer.torch.found_inf = torch.tensor(4.0), torch.tensor(0.0)


def overflow(optimizer: Optimizer) -> None:
    optimizer.torch.found_inf = torch.tensor(1.0)


UNUSUAL = [rate_as_tensor, betas_as_tensors, rate_of_another_library, scaled_gradients, overflow]


def of_two_types() -> nn.ModuleDict:
    network = net()
    network["head"].double()
    return network


def set_gradients(network: nn.ModuleDict, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for p in network.parameters():
        p.grad = torch.randn(p.shape, generator=generator).to(p.dtype)


def after_steps(make, change, execution: Execution) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Parameters and state after two steps, a change, and three more."""
    network = make()
    optimizer = Optimizer(parts(network), lr=0.01, execution=execution)
    for step in range(5):
        if step == 2:
            change(optimizer)
        set_gradients(network, step)
        optimizer.step()
    state = [value for own in optimizer.torch.state.values() for value in own.values()]
    return [p.detach() for p in network.parameters()], state


def alike(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    ("make", "change", "left"),
    [(net, as_it_is, 1), (of_two_types, as_it_is, 5), *((net, change, 4) for change in UNUSUAL)],
)
def test_what_the_kernel_does_not_take_as_it_is_is_left_to_torchs_step(
    make, change, left: int, called: dict[str, list[object]]
) -> None:
    """Bit for bit, state included; the first step, which makes the state, always is."""
    ours = after_steps(make, change, Execution())
    assert len(called["step"]) == left
    theirs = after_steps(make, change, Left())
    assert len(called["step"]) == left + 5
    assert alike(ours[0], theirs[0])
    assert alike(ours[1], theirs[1])


def state_on_two_devices(optimizer: Optimizer) -> None:
    own = optimizer.torch.state[optimizer.parameters[-1]]
    own["step"] = own["step"].to("meta")


def largest_asked_for_late(optimizer: Optimizer) -> None:
    optimizer.param_groups[0]["amsgrad"] = True


def decay_by_class(optimizer: Optimizer) -> None:
    """As in releases of torch whose groups do not say which decay is meant."""
    del optimizer.param_groups[0]["decoupled_weight_decay"]


@pytest.mark.parametrize("change", [state_on_two_devices, largest_asked_for_late, decay_by_class])
def test_what_the_kernel_might_take_wrongly_is_torchs_to_judge(change, monkeypatch) -> None:
    network, seen = net(), []
    optimizer = Optimizer(parts(network), lr=0.01)
    train(network, optimizer, 1)
    change(optimizer)
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self, closure=None: seen.append(self))
    monkeypatch.setattr(torch, "_fused_adam_", lambda *_, **__: pytest.fail("the kernel was called"))
    train(network, optimizer, 2)
    assert seen == [optimizer.torch] * 2


def test_hooks_of_every_optimizer_are_called() -> None:
    network, seen = net(), []
    optimizer = Optimizer(parts(network), lr=0.01)
    train(network, optimizer, 2)
    both = (torchs.register_optimizer_step_pre_hook, torchs.register_optimizer_step_post_hook)
    for register in both:
        handle = register(lambda *_: seen.append("called"))
        train(network, optimizer, 3)
        handle.remove()
    train(network, optimizer, 3)
    assert seen == ["called"] * 6


def test_hooks_of_torchs_step_are_called() -> None:
    network, seen = net(), []
    optimizer = Optimizer(parts(network), lr=0.01)
    train(network, optimizer, 2)
    handle = optimizer.torch.register_step_post_hook(lambda *_: seen.append("post"))
    train(network, optimizer, 3)
    assert seen == ["post"] * 3
    handle.remove()
    train(network, optimizer, 3)
    assert seen == ["post"] * 3


def test_kernels_are_fused_where_torch_has_them_alone() -> None:
    assert not Optimizer(parts(net()), lr=0.01, spec="rmsprop").fused
    assert Optimizer(parts(net().double()), lr=0.01).fused
    assert not Optimizer(parts(net()), lr=0.01, execution=plain()).fused
    assert not Optimizer(parts(net().to("meta")), lr=0.01).fused


@pytest.mark.parametrize("fused", [True, False])
def test_a_state_goes_on_by_the_kernels_that_it_was_made_by(fused: bool) -> None:
    network = net()
    optimizer = Optimizer(parts(network), lr=RATES, schedule="cosine", steps=20)
    optimizer._use(fused)
    train(network, optimizer, 5)
    twin, state = copy.deepcopy(network), copy.deepcopy(optimizer.state_dict())
    other = Optimizer(parts(twin), lr=RATES, schedule="cosine", steps=20)
    other.load_state_dict(state)
    assert other.fused is fused
    assert other.values == optimizer.values
    for each, own in ((network, optimizer), (twin, other)):
        train(each, own, 5, seed=2)
    assert torch.equal(flat(network), flat(twin))


def test_a_device_without_the_kernels_of_a_state_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    network = net()
    optimizer = Optimizer(parts(network), lr=0.01)
    train(network, optimizer, 2)
    state = copy.deepcopy(optimizer.state_dict())
    monkeypatch.setattr(kit, "_FUSED", {})
    other = Optimizer(parts(network), lr=0.01)
    with pytest.warns(zoo.ZooWarning, match="begun with fused kernels of adam, which cpu lacks"):
        other.load_state_dict(state)
    assert not other.fused
    train(network, other, 2)
    assert bool(flat(network).isfinite().all())


@pytest.mark.parametrize("clip", [None, 0.1])
def test_a_gradient_scaler_leaves_fused_steps_where_the_others_are(clip: float | None) -> None:
    """With one overflow on the way, whose step is left out; also where kernels follow a loaded state."""

    class Scaled(Execution):
        def __init__(self, *, fused: bool) -> None:
            super().__init__(fused=fused)
            self.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)

        def step(self, optimizer, clip_norm=None, parameters=()) -> None:
            if clip_norm is not None:
                self.scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
            self.scaler.step(optimizer)
            self.scaler.update()
            optimizer.zero_grad()

    ends = []
    for fused, loaded in ((True, True), (False, False), (True, False)):
        network, execution = net(), Scaled(fused=fused)
        optimizer = Optimizer(parts(network), lr=0.01, clip_norm=clip, execution=execution)
        if fused and not loaded:
            plainly = Optimizer(parts(net()), lr={"backbone": 0.01, "head": 0.01}, execution=Execution())
            plainly._use(False)
            optimizer.load_state_dict(plainly.state_dict())
            assert not optimizer.fused
        for step in range(6):
            x = torch.full((4, 3), 0.1 * step)
            loss = network["head"](network["backbone"](x)).square().mean()
            execution.scaler.scale(loss * (torch.inf if step == 3 else 1)).backward()
            optimizer.step()
        ends.append(flat(network))
    assert bool(ends[0].isfinite().all())
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-6)
    assert torch.equal(ends[1], ends[2])


def test_what_version_0_1_saved_of_a_plateau_goes_on() -> None:
    """There, groups were parts, and torch's scheduler was saved beside the optimizer."""
    network, losses = net(), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    groups = [{"name": name, "params": params, "lr": RATES[name]} for name, params in parts(network).items()]
    earlier = torch.optim.SGD(groups)
    torchs = ReduceLROnPlateau(earlier, factor=0.5, patience=1)
    for loss in losses[:4]:
        torchs.step(loss)
    state = from_rates(earlier.state_dict(), {"plateau": torchs.state_dict()})
    schedule = {"name": "plateau", "by": 0.5, "patience": 1}
    how = {"lr": RATES, "spec": "sgd", "schedule": schedule, "execution": plain()}
    optimizer = Optimizer(parts(network), **how)
    optimizer.load_state_dict(copy.deepcopy(state))
    for loss in losses[4:]:
        torchs.step(loss)
        optimizer.end_epoch(loss)
        assert [*optimizer.values.values()] == [group["lr"] for group in earlier.param_groups]
    assert optimizer.values["head"] < 0.5


def test_a_part_that_is_added_later_trains_by_its_own_rate_and_is_saved() -> None:
    net = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 1)})
    optimizer = Optimizer({"a": [*net["a"].parameters()]}, lr=0.1, spec="adam")

    def step() -> None:
        net["b"](net["a"](torch.ones(1, 2))).sum().backward()
        optimizer.step()

    step()
    step()  # by looked-up state
    before = net["b"].weight.detach().clone()
    optimizer.add("b", net["b"].parameters(), lr=0.01)
    step()
    step()
    assert optimizer.values == {"a": 0.1, "b": 0.01}
    assert float((net["b"].weight.detach() - before).abs().max()) == pytest.approx(0.02, rel=0.05)
    again = Optimizer({"a": net["a"].parameters()}, lr=0.1, spec="adam")
    again.add("b", net["b"].parameters(), lr=0.01)
    again.load_state_dict(optimizer.state_dict())
    assert again.torch.state_dict()["state"].keys() == optimizer.torch.state_dict()["state"].keys()


def test_what_is_trained_already_or_nothing_is_not_added() -> None:
    net = nn.Linear(2, 2)
    optimizer = Optimizer({"a": net.parameters()}, lr=0.1)
    with pytest.raises(OptionError, match="expected a new part, got 'a'"):
        optimizer.add("a", nn.Linear(1, 1).parameters(), lr=0.1)
    with pytest.raises(TrainingError, match="got one that is trained already"):
        optimizer.add("b", net.parameters(), lr=0.1)
    with pytest.raises(TrainingError, match="got none"):
        optimizer.add("b", [], lr=0.1)


@pytest.mark.parametrize(("mode", "values"), [("min", (-2.0, -2.0, -1.99999)), ("max", (-0.2, -0.2, -0.2))])
def test_a_plateau_of_negative_values_is_one(mode, values) -> None:
    net = nn.Linear(2, 2)
    plateau = {"name": "plateau", "patience": 0}
    optimizer = Optimizer(
        {"a": net.parameters()}, lr=0.01, schedule=plateau, higher_is_better=mode == "max"
    )  # fmt: skip
    for value in values:
        optimizer.end_epoch(value)
    assert optimizer.values["a"] == pytest.approx(1e-4)


def test_options_that_do_not_go_together_are_one_line() -> None:
    with pytest.raises(OptionError, match="optimizer sgd: expected options that fit, got Nesterov"):
        Optimizer({"a": nn.Linear(1, 1).parameters()}, lr=0.1, spec={"name": "sgd", "nesterov": True})
