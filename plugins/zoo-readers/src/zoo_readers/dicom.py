"""DICOM files: values in their unit, seen through a window; the patient as group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, reason
from zoo.interfaces import Records, Roles, reading_range
from zoo_readers.folders import class_files, splits_beside, windowed
from zoo_readers.packages import package

_SUFFIXES = (".dcm", ".dicom")
_BYTE = 8


def read(source: str | Path | IO[bytes], where: str) -> npt.NDArray[Any]:
    """The image of a DICOM file.

    Stored values are put into their unit by slope and intercept, or by the table that the file has for it,
    and seen through the first table or window that the file says, else in the full range that its bits hold;
    for a model with a `value_range` they are left in their unit. Low values that are white (MONOCHROME1) are
    turned, and numbers of a palette become its colours.

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
        _check_one(data, where)
        if data.PhotometricInterpretation == "PALETTE COLOR":
            colours = import_module("pydicom.pixels").apply_color_lut(stored, data)
            return _colour(colours, colours.dtype.itemsize * _BYTE)
        if int(data.get("SamplesPerPixel", 1)) > 1:
            return _colour(stored, int(data.BitsStored))
        return _gray(data, stored)
    except DataError:
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a DICOM image", got=reason(error)) from error


def _check_one(data: Any, where: str) -> None:
    if (frames := int(data.get("NumberOfFrames", 1) or 1)) > 1:
        raise DataError(where, expected="one image", got=f"{frames} frames", hint="save each as a file")


def _colour(values: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    return values if bits == _BYTE or reading_range() is not None else windowed(values, 0, (1 << bits) - 1)


def _gray(data: Any, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if data.get("ModalityLUTSequence"):
        values, most = _looked_up(data, data.ModalityLUTSequence[0], stored)
        ends = 0.0, float(most)
    else:
        slope, intercept = _number(data, "RescaleSlope"), _number(data, "RescaleIntercept") or 0.0
        slope = 1.0 if slope is None else slope
        values = stored * slope + intercept
        bits, signed = int(data.BitsStored), bool(data.PixelRepresentation)
        least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        ends = least * slope + intercept, most * slope + intercept
    white_is_low = data.PhotometricInterpretation == "MONOCHROME1"
    if (window := reading_range()) is not None:
        return window[0] + window[1] - values if white_is_low else values
    shown = _shown(data, values, ends)
    return 1 - shown if white_is_low else shown


def _shown(data: Any, values: npt.NDArray[Any], ends: tuple[float, float]) -> npt.NDArray[np.float32]:
    # Of both the table goes before, as viewers do it
    if data.get("VOILUTSequence"):
        seen, most = _looked_up(data, data.VOILUTSequence[0], values)
        return windowed(seen, 0, most)
    center, width = _number(data, "WindowCenter"), _number(data, "WindowWidth")
    if center is not None and width is not None:
        function = str(data.get("VOILUTFunction", "LINEAR") or "LINEAR")
        if function == "SIGMOID":
            return (1 / (1 + np.exp(-4 * (values - center) / width))).astype(np.float32)
        # The standard takes half a value off (C.11.2.1.2), but for the exact function
        off = 0.0 if function == "LINEAR_EXACT" else 0.5
        low, high = center - off - (width - 2 * off) / 2, center - off + (width - 2 * off) / 2
        return windowed(values, low, high)
    return windowed(values, min(ends), max(ends))


def _looked_up(data: Any, table: Any, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """Values that a table gives for others, and the most that its bits hold.

    pydicom's own takes neither tables of 12 bits nor those of a byte with more than 256 entries.
    """
    count, first, bits = (int(number) for number in table.LUTDescriptor)
    content = table.LUTData
    if isinstance(content, bytes):
        word = "<u2" if data.file_meta.TransferSyntaxUID.is_little_endian else ">u2"
        # 0 says 65536; entries of 8 bits may lie a byte each
        content = np.frombuffer(content, word if len(content) >= 2 * (count or 1 << 16) else "u1")
    entries = np.asarray(content).astype(np.int64)
    places = np.rint(values).astype(np.int64) - first
    # Below and above a table its ends go on
    return entries[places.clip(0, len(entries) - 1)], (1 << bits) - 1


def _number(data: Any, name: str) -> float | None:
    """A number of the header, of several the first, which is the one that is shown first.

    What is there and empty is as what is not there.
    """
    value = data.get(name)
    if hasattr(value, "__len__") and not isinstance(value, str):
        value = value[0] if len(value) else None
    return None if value is None or value == "" else float(value)


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
        path: folder with a folder for each class, perhaps in folders of splits.

    Raises:
        DataError: there is no such file, one is none, or folders say some splits alone.
        MissingPackageError: pydicom is not installed.
    """

    def __init__(self, *, path: str) -> None:
        found = class_files(path, _SUFFIXES)
        self._paths = [file.path for file in found]
        columns: dict[str, Sequence[Any]] = {
            "image": _Images(self._paths),
            "label": [file.label for file in found],
            "patient": [patient(file) for file in self._paths],
        }
        split = splits_beside(columns, [file.split for file in found])
        roles = Roles(image="image", target=("label",), group="patient", split=split)
        super().__init__(columns, roles=roles, where=f"data {path}")

    def name(self, index: int) -> str:
        """The path of a sample's file."""
        return str(self._paths[index])
