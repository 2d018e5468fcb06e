"""Names of metrics that are not known, with and without a model whose task measures some by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import zoo
from zoo.interfaces.model import Model
from zoo.runtime.metric_names import made_metric
from zoo.spec.errors import UnknownComponentError

ASKED = "task binary measures accuracy without being asked"


def test_what_a_task_measures_anyway_is_said(make_model: Callable[..., Model]) -> None:
    with pytest.raises(UnknownComponentError, match=ASKED):
        made_metric("accurcy", make_model())


@pytest.mark.parametrize("headless", [False, True])
def test_without_a_task_a_wrong_name_is_just_unknown(headless: bool) -> None:
    model = zoo.build("tiny_resnet", input_size=16, seed=0) if headless else None
    with pytest.raises(UnknownComponentError, match="no metric is called 'accurcy'") as error:
        made_metric("accurcy", model)
    assert "without being asked" not in str(error.value)
