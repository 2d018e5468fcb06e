"""The contract of a complete model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from zoo.hub.folder import load, save
from zoo.spec.display import counted
from zoo.spec.errors import ZooError, listing
from zoo.testing.case import Case
from zoo.testing.outputs import LOGITS, gives_probabilities, shape_problem
from zoo.testing.tiny_models import built


def rule_it_runs_and_is_saved_whole(case: Case) -> None:
    """A forward works on an image of the input spec, and a saved copy computes the same."""
    model = built(case.entry).eval()
    x = model.example_input()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        save(model, Path(folder) / "model")
        again = load(Path(folder) / "model", copy=True)(x)  # not mapped, as the folder goes
        step = "keep what it computes with in parameters, buffers and options"
        assert torch.equal(again, model(x)), f"a saved copy: expected the same output, got another; {step}"


def rule_its_output_is_what_its_task_takes(case: Case) -> None:
    """The output has the shape that its task says, and is logits where the task takes logits."""
    model = built(case.entry).eval()
    task, x = model.task, model.example_input()
    if task is None:
        return
    with torch.no_grad():
        output = model(x)
    problem = shape_problem(model, x, output)
    step = "correct forward, or `outputs` and the task"
    assert problem is None, f"{case.entry.component.target}: {problem}; {step}"
    if not task.generates:
        read = model.read(output)
        expected = f"{case.entry.component.target}: expected {counted(len(x), 'prediction')}"
        assert len(read) == len(x), f"{expected}, got {len(read)}; return one output an image"
    found = gives_probabilities(model, task, model.example_input)
    assert not found, f"{case.entry.component.target}: expected logits, got probabilities; {LOGITS}"


def rule_it_takes_another_size_or_says_so(case: Case) -> None:
    """Images of another size give an output that fits them, or an error of ours."""
    model = built(case.entry).eval()
    x = model.example_input()
    if model.task is None or model.task.generates or x.ndim != 4:
        return
    for more in (1, 8):
        other = torch.rand(len(x), x.shape[1], x.shape[2] + more, x.shape[3])
        where = f"{case.entry.component.target} on {other.shape[2]} x {other.shape[3]} images"
        step = "pad and crop in forward, or refuse the size there with a ShapeError"
        try:
            with torch.no_grad():
                output = model(other)
        except ZooError:
            continue
        except Exception as error:
            text = f"{where}: expected an output or a ShapeError, got {type(error).__name__}: {error}; {step}"
            raise AssertionError(text) from error
        problem = shape_problem(model, other, output)
        assert problem is None, f"{where}: {problem}; {step}"


def rule_sampling_repeats(case: Case) -> None:
    """Where it generates, one seed gives one set of images in [0, 1], two give two."""
    model = built(case.entry).eval()
    if model.task is None or not model.task.generates:
        return
    one, same, other = (model.sample(3, seed=seed) for seed in (0, 0, 1))
    wanted, got = (3, model.input_spec.channels, *model.input_spec.size), tuple(one.shape)
    assert got == wanted, f"sample(3): expected {wanted}, got {got}; let input_spec say what it makes"
    least, most = float(one.min()), float(one.max())
    assert least >= 0, f"sample: expected values in [0, 1], got {least:.3g}; end in a sigmoid, or rescale"
    assert most <= 1, f"sample: expected values in [0, 1], got {most:.3g}; end in a sigmoid, or rescale"
    step = "draw from a torch.Generator of the seed alone, in inference mode"
    assert torch.equal(one, same), f"sample: expected one set of images for one seed, got two; {step}"
    assert not torch.equal(one, other), f"sample: expected others for another seed, got the same; {step}"


def rule_networks_hold_every_parameter(case: Case) -> None:
    """Each parameter belongs to one of the networks that the model names."""
    model = built(case.entry)
    inside = {id(p) for network in model.networks.values() for p in network.parameters()}
    outside = [name for name, p in model.named_parameters() if id(p) not in inside]
    step = "put them into one of them, or name it in `networks`"
    expected = f"{case.entry.component.target}: expected all parameters in its networks"
    assert outside == [], f"{expected} ({listing(model.networks)}), got {listing(outside, 3)} outside; {step}"
    own = {id(p) for p in model.parameters()}
    foreign = [
        f"{name}.{key}"
        for name, network in model.networks.items()
        for key, p in network.named_parameters()
        if id(p) not in own
    ]
    step = "assign those networks to attributes in __init__"
    assert foreign == [], f"{expected} and no others, got {listing(foreign, 3)} besides; {step}"
