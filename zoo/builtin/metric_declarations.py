"""The core's metrics as its plugin declares them; free of torch."""

from __future__ import annotations

from zoo import Component


def _metric(
    name: str,
    target: str,
    summary: str,
    config: str = "MetricOptions",
    *,
    paper: str | None = None,
    module: str = "metrics",
) -> Component:
    return Component(
        kind="metric",
        name=name,
        target=f"zoo.builtin.{module}:{target}",
        config=f"zoo.builtin.metric_config:{config}",
        summary=summary,
        paper=paper,
        # Tried on few classes, and k has to be below their number
        tiny={"k": 2} if config == "TopOptions" else {},
    )


VALUES = "metrics_values"

METRICS = [
    _metric("precision", "Precision", "Share of right answers among those for a class.", "AveragedOptions"),
    _metric("recall", "Recall", "Share of a class' images that are found.", "AveragedOptions"),
    _metric("f1", "F1", "Harmonic mean of precision and recall.", "AveragedOptions"),
    _metric(
        "specificity",
        "Specificity",
        "Share of other classes' images not taken for a class.",
        "AveragedOptions",
    ),
    _metric("iou", "IoU", "Intersection over union of answer and truth.", "AveragedOptions"),
    _metric("mcc", "MatthewsCorrelation", "Correlation of answers and truth, from -1 to 1."),
    _metric("kappa", "CohenKappa", "Agreement of answers and truth beyond chance."),
    _metric("auroc", "AUROC", "Area under the ROC curve.", "RankingOptions"),
    _metric(
        "average-precision", "AveragePrecision", "Area under the precision-recall curve.", "RankingOptions"
    ),
    _metric("top-k", "TopK", "Share of images whose class is among the first answers.", "TopOptions"),
    _metric(
        "calibration-error",
        "CalibrationError",
        "Expected calibration error: how far confidence is from accuracy.",
        "CalibrationOptions",
        paper="https://arxiv.org/abs/1706.04599",
    ),
    _metric("mae", "MAE", "Mean absolute error.", module=VALUES),
    _metric("rmse", "RMSE", "Root of the mean squared error.", module=VALUES),
    _metric("r2", "R2", "Share of the values' variance that is explained.", module=VALUES),
    _metric("pearson", "Pearson", "Correlation of answers and values.", module=VALUES),
    _metric("spearman", "Spearman", "Correlation of the ranks of answers and values.", module=VALUES),
]
