"""DICOM files: values in their unit, seen through a window; the patient as group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, reason
from zoo.interfaces import Records, Roles, reading_range
from zoo_readers.folders import class_files, windowed
from zoo_readers.packages import package

_SUFFIXES = (".dcm", ".dicom")
_BYTE = 8


def read(source: str | Path | IO[bytes], where: str) -> npt.NDArray[Any]:
    """The image of a DICOM file.

    Stored values are put into their unit by slope and intercept, and seen through the window that the file
    says, else in the full range that its bits hold; for a model with a `value_range` they are left in their
    unit. Low values that are white (MONOCHROME1) are turned.

    Args:
        source: the file.
        where: what to call it in an error.

    Returns:
        H x W float32 in [0, 1], or in the unit; H x W x 3 of a colour image.

    Raises:
        DataError: it is no such file, cannot be decoded, or holds several frames.
        MissingPackageError: pydicom is not installed.
    """
    dicom = package("pydicom", where)
    try:
        data = dicom.dcmread(source)
        stored = data.pixel_array
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a DICOM image", got=reason(error)) from error
    if (frames := int(data.get("NumberOfFrames", 1) or 1)) > 1:
        raise DataError(where, expected="one image", got=f"{frames} frames", hint="save each as a file")
    if int(data.get("SamplesPerPixel", 1)) > 1:
        whole = (1 << int(data.BitsStored)) - 1
        as_stored = whole == (1 << _BYTE) - 1 or reading_range() is not None
        colour: npt.NDArray[Any] = stored if as_stored else windowed(stored, 0, whole)
        return colour
    slope, intercept = float(data.get("RescaleSlope", 1)), float(data.get("RescaleIntercept", 0))
    values: npt.NDArray[Any] = stored * slope + intercept
    white_is_low = data.PhotometricInterpretation == "MONOCHROME1"
    if (window := reading_range()) is not None:
        if white_is_low:
            values = window[0] + window[1] - values
        return values
    shown = _shown(data, values, slope, intercept)
    return 1 - shown if white_is_low else shown


def _shown(data: Any, values: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[np.float32]:
    if "WindowCenter" in data and "WindowWidth" in data:
        center, width = _first(data.WindowCenter), _first(data.WindowWidth)
        function = str(data.get("VOILUTFunction", "LINEAR") or "LINEAR")
        if function == "SIGMOID":
            return (1 / (1 + np.exp(-4 * (values - center) / width))).astype(np.float32)
        # The standard takes half a value off (C.11.2.1.2), but for the exact function
        off = 0.0 if function == "LINEAR_EXACT" else 0.5
        low, high = center - off - (width - 2 * off) / 2, center - off + (width - 2 * off) / 2
        return windowed(values, low, high)
    bits, signed = int(data.BitsStored), bool(data.PixelRepresentation)
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    low, high = sorted((least * slope + intercept, most * slope + intercept))
    return windowed(values, low, high)


def _first(value: Any) -> float:
    """The first of several windows, which is the one that is shown first."""
    return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)


def patient(file: Path) -> str | None:
    """The patient of a file, by the header; None where it names none.

    Raises:
        DataError: it is no such file.
        MissingPackageError: pydicom is not installed.
    """
    dicom = package("pydicom", f"image {file}")
    try:
        data = dicom.dcmread(file, stop_before_pixels=True, specific_tags=["PatientID"])
    except Exception as error:
        raise DataError(f"image {file}", expected="a DICOM file", got=reason(error)) from error
    return str(data.get("PatientID", "")).strip() or None


# Tables of such files keep a patient in one split by it
read.group = patient  # type: ignore[attr-defined]


class _Images(Sequence[Any]):
    """Images of files, read when they are asked for."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: Any) -> Any:
        return read(self.files[index], f"image {self.files[index]}")

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class Dicom(Records):
    """Class folders of DICOM files; all images of a patient are in one split.

    Args:
        path: folder with a folder for each class.

    Raises:
        DataError: there is no such file, or one is none.
        MissingPackageError: pydicom is not installed.
    """

    def __init__(self, *, path: str) -> None:
        found = class_files(path, _SUFFIXES)
        self._paths = [file for file, _ in found]
        columns = {
            "image": _Images(self._paths),
            "label": [label for _, label in found],
            "patient": [patient(file) for file in self._paths],
        }
        super().__init__(
            columns, roles=Roles(image="image", target=("label",), group="patient"), where=f"data {path}"
        )

    def name(self, index: int) -> str:
        """The path of a sample's file."""
        return str(self._paths[index])
