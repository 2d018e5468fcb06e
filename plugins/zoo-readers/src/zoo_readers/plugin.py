"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, Namespace, hookimpl

_CONFIG = "zoo_readers.config:"


@hookimpl
def zoo_components() -> list[Component]:
    """Tables in Parquet and Arrow, shards, class folders of DICOM and NIfTI files."""
    return [
        Component(
            kind="dataset",
            name="arrow-table",
            target="zoo_readers.tables:ArrowTable",
            config=_CONFIG + "ArrowTableOptions",
            summary="A table of labels in Parquet, Feather or Arrow, perhaps with the images in it.",
            # Suffixes of the files that it reads
            tags=(".parquet", ".feather", ".arrow"),
            tiny={"path": "tiny/labels.parquet", "target": "kind"},
        ),
        Component(
            kind="dataset",
            name="shards",
            target="zoo_readers.shards:Shards",
            config=_CONFIG + "ShardsOptions",
            summary="Samples in tar files, as webdataset writes them, by path or address.",
            tags=(".tar",),
            tiny={"path": "tiny/light-{0..1}.tar"},
        ),
        Component(
            kind="dataset",
            name="dicom",
            target="zoo_readers.dicom:Dicom",
            config=_CONFIG + "DicomOptions",
            summary="Class folders of DICOM files, each patient in one split.",
            tiny={"path": "tiny/dicom"},
        ),
        Component(
            kind="dataset",
            name="nifti",
            target="zoo_readers.nifti:Nifti",
            config=_CONFIG + "NiftiOptions",
            summary="Class folders of NIfTI volumes, a slice an image, each volume in one split.",
            # Suffixes of files whose folders it reads
            tags=("*.nii", "*.nii.gz"),
            tiny={"path": "tiny/nifti"},
        ),
    ]


@hookimpl
def zoo_namespace() -> Namespace:
    """`readers:`."""
    return Namespace(name="readers")
