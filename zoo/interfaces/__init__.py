"""Door 2: the contract of every kind, and what those who keep one need beside it; imports torch."""

from zoo.images.decode import SUFFIXES as IMAGE_SUFFIXES
from zoo.images.decode import ImageArray, decode, decode_reduced
from zoo.images.pages import stack_pages
from zoo.images.prepare import LUMA
from zoo.images.ranges import reading_range, reads_pages
from zoo.interfaces.adversarial import Pair
from zoo.interfaces.augmenter import Augmenter, Batch, Chain, Geometric, check_batch, uniform
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block, State
from zoo.interfaces.blocks.feature_info import FeatureInfo, as_map, read_info
from zoo.interfaces.blocks.frozen_prefix import Prefix, cut, model_input, rows
from zoo.interfaces.blocks.shape_run import trace_shapes
from zoo.interfaces.blocks.state_dicts import as_linear, rename, with_channels, with_counters
from zoo.interfaces.blocks.summary import Summary
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.draws import draws, generator, mix
from zoo.interfaces.execution import Execution
from zoo.interfaces.geometry.orientation import Orientation, farthest_turn
from zoo.interfaces.geometry.places import Size, SpatialTensor, resizing, warp_points
from zoo.interfaces.geometry.warp import Fill
from zoo.interfaces.head import Head, OriginalHead
from zoo.interfaces.loss import (
    OUTPUT,
    Loss,
    check_needs,
    compute,
    cuts_of,
    divisor_of,
    from_sums,
    needs_of,
    sums_of,
    total,
)
from zoo.interfaces.metric import Metric, TorchMetric
from zoo.interfaces.model import Model
from zoo.interfaces.normalise import Normalise
from zoo.interfaces.records.cells import ClassColumn
from zoo.interfaces.records.fields import FieldKind, Fields
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import Roles
from zoo.interfaces.records.table_file import TableFile
from zoo.interfaces.tasks import (
    Analysis,
    Binary,
    CardWords,
    Embedding,
    Findings,
    Generation,
    Mistake,
    Multiclass,
    Multilabel,
    Names,
    Ordinal,
    Overlay,
    Prediction,
    Reconstruction,
    Regression,
    Segmentation,
    Task,
    names_for,
)
from zoo.interfaces.tasks.confusion import Confusion, class_table
from zoo.interfaces.tasks.data_checks import check_labels
from zoo.interfaces.tasks.descriptions import (
    Curve,
    Examples,
    Histogram,
    ImageGrid,
    Mark,
    Overlays,
    Scatter,
    worst_table,
)
from zoo.interfaces.tasks.standardise import Standardise
from zoo.interfaces.tasks.target_counts import TargetCounts, ignored_index
from zoo.interfaces.trainer import Trainer
from zoo.spec.display import Table
from zoo.spec.split_names import split_within

__all__ = [
    "IMAGE_SUFFIXES",
    "LUMA",
    "OUTPUT",
    "Analysis",
    "Augmenter",
    "Backbone",
    "Batch",
    "Binary",
    "Block",
    "CardWords",
    "Chain",
    "ClassColumn",
    "Confusion",
    "Curve",
    "Dataset",
    "Embedding",
    "Examples",
    "Execution",
    "FeatureInfo",
    "FieldKind",
    "Fields",
    "Fill",
    "Findings",
    "Generation",
    "Geometric",
    "Head",
    "Histogram",
    "ImageArray",
    "ImageGrid",
    "Loss",
    "Mark",
    "Metric",
    "Mistake",
    "Model",
    "Multiclass",
    "Multilabel",
    "Names",
    "Normalise",
    "Ordinal",
    "Orientation",
    "OriginalHead",
    "Overlay",
    "Overlays",
    "Pair",
    "Prediction",
    "Prefix",
    "Reconstruction",
    "Records",
    "Regression",
    "Roles",
    "Sample",
    "Scatter",
    "Segmentation",
    "Size",
    "SpatialTensor",
    "Standardise",
    "State",
    "Summary",
    "Table",
    "TableFile",
    "TargetCounts",
    "Task",
    "TorchMetric",
    "Trainer",
    "as_linear",
    "as_map",
    "check_batch",
    "check_labels",
    "check_needs",
    "class_table",
    "compute",
    "cut",
    "cuts_of",
    "decode",
    "decode_reduced",
    "divisor_of",
    "draws",
    "farthest_turn",
    "from_sums",
    "generator",
    "ignored_index",
    "mix",
    "model_input",
    "names_for",
    "needs_of",
    "read_info",
    "reading_range",
    "reads_pages",
    "rename",
    "resizing",
    "rows",
    "split_within",
    "stack_pages",
    "sums_of",
    "total",
    "trace_shapes",
    "uniform",
    "warp_points",
    "with_channels",
    "with_counters",
    "worst_table",
]
