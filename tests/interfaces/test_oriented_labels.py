"""Labels that a mirrored or turned image has no more."""

from __future__ import annotations

import pytest

from zoo.interfaces.geometry.orientation import Orientation, farthest_turn
from zoo.interfaces.tasks.oriented_labels import misread

MIRRORED, FLIPPED = Orientation(mirrored=True), Orientation(flipped=True)
QUARTER, HALF = Orientation(turned=90), Orientation(turned=180)


@pytest.mark.parametrize(
    ("labels", "orientation", "told"),
    [
        (["3", "7"], MIRRORED, "mirrored, '3', '7' are other signs or none"),
        (["b", "d"], MIRRORED, "mirrored, 'b' is 'd'"),
        (["3", "8", "b", "d"], MIRRORED, "mirrored, 'b' is 'd'; mirrored, '3' is another sign or none"),
        (["A", "B"], MIRRORED, "mirrored, 'B' is another sign or none"),
        (["0 - zero", "7 - seven"], MIRRORED, "mirrored, '7 - seven' is another sign or none"),
        (["three", "eight"], MIRRORED, "mirrored, 'three' is another sign or none"),
        (["digit_2", "digit_4", "letter R"], FLIPPED, "upside down, 'digit_2', 'digit_4', 'letter R' are"),
        (["M", "W"], FLIPPED, "upside down, 'M' is 'W'"),
        (["6", "9"], HALF, "turned, '6' is '9'"),
        (["N", "Z"], QUARTER, "turned, 'N' is 'Z'"),
        (["turn left", "turn right", "stop"], MIRRORED, "mirrored, 'turn left' is 'turn right'"),
        (["port", "starboard"], MIRRORED, "mirrored, 'port' is 'starboard'"),
        (["turn-left", "straight"], MIRRORED, "mirrored, 'turn-left' is the other side, which no label is"),
        (["left", "center"], MIRRORED, "mirrored, 'left' is the other side, which no label is"),
        (["one", "two"], MIRRORED, "mirrored, 'two' is another sign or none"),
        (["background", "KneeL", "knee_R"], MIRRORED, "mirrored, 'KneeL' is 'knee_R'"),
        (["upper jaw", "lower jaw"], FLIPPED, "upside down, 'upper jaw' is 'lower jaw'"),
        (["clockwise", "anticlockwise"], FLIPPED, "mirrored, 'clockwise' is 'anticlockwise'"),
        (["up", "down"], HALF, "turned, 'up' is 'down'"),
    ],
)
def test_what_loses_its_meaning_is_told(labels: list[str], orientation: Orientation, told: str) -> None:
    assert misread(labels, orientation).startswith(told)


@pytest.mark.parametrize(
    ("labels", "orientation"),
    [
        (["cats", "dogs"], MIRRORED | FLIPPED | HALF),
        (["class_0", "class_1", "class_7"], MIRRORED | FLIPPED | HALF),
        (["0", "1"], MIRRORED | FLIPPED),  # no and yes, or signs that stay themselves
        (["A", "H", "8"], MIRRORED),
        (["bright", "upright", "left-handed"], MIRRORED),
        (["right whale", "blue whale"], MIRRORED),
        (["right", "wrong"], MIRRORED),
        (["zero", "one"], MIRRORED),
        (["b", "cats", "dogs", "birds"], MIRRORED),  # one sign is none
        (["2", "3", "7"], HALF),  # on their heads they are no other digits
        (["6", "9"], QUARTER),
        (["left eye", "right eye"], FLIPPED | Orientation(turned=45)),
        (["upper jaw", "lower jaw"], MIRRORED),
        ([], MIRRORED),
    ],
)
def test_what_keeps_its_meaning_is_not(labels: list[str], orientation: Orientation) -> None:
    assert misread(labels, orientation) == ""


@pytest.mark.parametrize(
    ("low", "high", "angle"),
    [(-15, 15, 15), (0, 90, 90), (170, 190, 180), (350, 370, 10), (-400, -300, 60), (0, 1000, 180)],
)
def test_a_turn_is_as_far_as_its_farthest_angle(low: float, high: float, angle: float) -> None:
    assert farthest_turn(low, high) == angle
    tried = [abs((low + (high - low) * i / 1000 + 180) % 360 - 180) for i in range(1001)]
    assert angle == pytest.approx(max(tried), abs=1)
