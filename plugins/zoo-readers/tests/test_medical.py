"""DICOM and NIfTI: windows, inverted gray, patients and volumes as groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from zoo_readers.dicom import Dicom, read
from zoo_readers.folders import _level_of_splits
from zoo_readers.nifti import Nifti

import zoo
from zoo.data.inspection.report import report
from zoo.data.splits import split
from zoo.errors import DataError, MissingPackageError
from zoo.images.ranges import scaled_by
from zoo.interfaces import Binary, decode
from zoo.runtime.data_arguments import as_dataset


def stored(seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 4096, (6, 8), dtype=np.uint16)


def dicom(file: Path, values: np.ndarray[Any, Any], **more: Any) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Rows, data.Columns, data.SamplesPerPixel = *values.shape[-2:], 1
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PhotometricInterpretation, data.PixelData = "MONOCHROME2", values.tobytes()
    for name, value in more.items():
        setattr(data, name, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(file, enforce_file_format=True)
    return data


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_is_that_of_pydicom(tmp_path: Path, function: str) -> None:
    window = {"WindowCenter": [40, 50], "WindowWidth": [400, 80], "VOILUTFunction": function}
    data = dicom(tmp_path / "0.dcm", stored(), RescaleSlope=0.5, RescaleIntercept=-300, **window)
    right = apply_voi_lut(apply_modality_lut(stored(), data), data)
    # Pydicom gives the range of all stored values, in their unit
    low, high = -300.0, 4095 * 0.5 - 300
    np.testing.assert_allclose(read(tmp_path / "0.dcm", "x"), (right - low) / (high - low), atol=1e-5)


def test_without_a_window_all_bits_count_and_low_values_may_be_white(tmp_path: Path) -> None:
    dicom(tmp_path / "0.dcm", stored(), RescaleSlope=2, RescaleIntercept=-1000)
    np.testing.assert_allclose(read(tmp_path / "0.dcm", "x"), stored() / 4095, atol=1e-6)
    dicom(tmp_path / "1.dcm", stored(), PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(read(tmp_path / "1.dcm", "x"), 1 - stored() / 4095, atol=1e-6)
    # Wherever files are read
    np.testing.assert_allclose(decode(tmp_path / "0.dcm")[..., 0], stored() / 4095, atol=1e-6)


def test_a_range_of_the_model_is_in_the_unit_of_the_files(tmp_path: Path) -> None:
    unit = stored() * 2.0 - 1000
    window = {"WindowCenter": 40, "WindowWidth": 400}
    for i, kind in enumerate(("MONOCHROME2", "MONOCHROME1")):
        more = {"RescaleSlope": 2, "RescaleIntercept": -1000, "PhotometricInterpretation": kind}
        dicom(tmp_path / "ab"[i] / "0.dcm", stored(), **more, **window)
    slices = np.linspace(-500, 3000, 60, dtype=np.float32).reshape(3, 4, 5)
    volume(tmp_path / "n" / "a" / "0.nii", slices)
    data = [Dicom(path=str(tmp_path)), Nifti(path=str(tmp_path / "n"))]
    with scaled_by((0.0, 1000.0)):
        shown = [data[0][0].image, data[0][1].image, data[1][0].image]
    right = [np.interp(x, [0, 1000], [0, 1]) for x in (unit, np.rot90(slices[..., 0]))]
    for found, expected in zip(shown, (right[0], 1 - right[0], right[1]), strict=True):
        np.testing.assert_allclose(found[..., 0], expected, atol=1e-6)


def table(bits: int = 16, first: int = 100, count: int = 3000) -> Dataset:
    entries = Dataset()
    entries.LUTDescriptor, entries.ModalityLUTType = [count, first, bits], "US"
    most = (1 << bits) - 1
    entries.LUTData = (most - np.linspace(0, most, count)).astype(np.uint16).tobytes()
    return entries


def test_tables_of_the_header_are_those_of_pydicom(tmp_path: Path) -> None:
    data = dicom(tmp_path / "v.dcm", stored(), VOILUTSequence=[table()], WindowCenter=40, WindowWidth=400)
    right = apply_voi_lut(stored(), data) / 65535
    np.testing.assert_allclose(read(tmp_path / "v.dcm", "x"), right, atol=1e-6)
    data = dicom(tmp_path / "m.dcm", stored(), ModalityLUTSequence=[table()])
    right = apply_modality_lut(stored(), data) / 65535
    np.testing.assert_allclose(read(tmp_path / "m.dcm", "x"), right, atol=1e-6)
    # A range of the model is in the unit that the table gives, and goes before the table of what is shown
    with scaled_by((0.0, 65535.0)):
        np.testing.assert_allclose(decode(tmp_path / "m.dcm")[..., 0], right, atol=1e-6)
    with scaled_by((0.0, 4095.0)):
        np.testing.assert_allclose(decode(tmp_path / "v.dcm")[..., 0], stored() / 4095, atol=1e-6)
    # Which pydicom does not take
    dicom(tmp_path / "12.dcm", stored(), ModalityLUTSequence=[table(12, 0, 4096)])
    np.testing.assert_allclose(read(tmp_path / "12.dcm", "x"), 1 - stored() / 4095, atol=1e-6)


def test_numbers_of_a_palette_are_its_colours(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 65536, (3, 4096), dtype=np.uint16)
    palette = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, values in zip(("Red", "Green", "Blue"), colours, strict=True):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [4096, 0, 16]  # type: ignore[assignment]
        palette[f"{name}PaletteColorLookupTableData"] = values.tobytes()  # type: ignore[assignment]
    dicom(tmp_path / "0.dcm", stored(), **palette)
    np.testing.assert_allclose(decode(tmp_path / "0.dcm"), colours.T[stored()] / 65535, atol=1e-6)


def test_what_stands_empty_in_a_header_is_not_there(tmp_path: Path) -> None:
    names = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTSequence")
    dicom(tmp_path / "0.dcm", stored(), **dict.fromkeys(names))
    np.testing.assert_allclose(read(tmp_path / "0.dcm", "x"), stored() / 4095, atol=1e-6)


def test_what_is_no_single_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "0.dcm").write_bytes(b"no")
    with pytest.raises(DataError, match="x: expected a DICOM image"):
        read(tmp_path / "0.dcm", "x")
    dicom(tmp_path / "1.dcm", np.stack([stored(), stored(1)]), NumberOfFrames=2)
    with pytest.raises(DataError, match="expected one image, got 2 frames; save each as a file"):
        read(tmp_path / "1.dcm", "x")


def test_a_patient_is_a_group(tmp_path: Path) -> None:
    for i in range(4):
        dicom(tmp_path / "ab"[i % 2] / f"{i}.dcm", stored(i), PatientID=f"p{i // 2}")
    data = Dicom(path=str(tmp_path)).for_task(Binary())
    assert (data.labels, data.targets) == (("a", "b"), [0, 0, 1, 1])
    assert [data.group_of(i) for i in range(4)] == ["p0", "p1", "p0", "p1"]
    assert data.name(1).endswith("2.dcm")
    np.testing.assert_allclose(data[1].image[..., 0], stored(2) / 4095, atol=1e-6)


def volume(file: Path, values: np.ndarray[Any, Any], affine: Any = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), file)


def test_slices_of_volumes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    values[..., 2] = 0
    volume(tmp_path / "a" / "0.nii.gz", values)
    volume(tmp_path / "b" / "1.nii", values * 2)
    data = Nifti(path=str(tmp_path)).for_task(Binary())
    assert len(data) == 10
    assert data.name(2).endswith("0.nii.gz[3]")
    assert len({data.group_of(i) for i in range(10)}) == 2
    right = (np.rot90(values[..., 3]) - values.min()) / np.ptp(values)
    np.testing.assert_allclose(data[2].image[..., 0], right, atol=1e-6)
    assert len(Nifti(path=str(tmp_path), axis=0, every=2, empty=True)) == 4
    whole = (values[..., 0] - values.min()) / (values.max() - values.min())
    np.testing.assert_allclose(Nifti(path=str(tmp_path))[0].image[..., 0], np.rot90(whole), atol=1e-6)


def test_a_subject_of_bids_is_a_group(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((3, 3, 1)).astype(np.float32)
    names = ("sub-01_ses-1_T1w.nii.gz", "sub-01_ses-2_T1w.nii.gz", "sub-02/anat/T1w.nii", "sub-03.nii")
    # A folder around the data tells nothing of them
    tmp_path = tmp_path / "sub-09"
    for name in (*names, "x_sub-01.nii"):
        volume(tmp_path / "a" / name, values)
    data = Nifti(path=str(tmp_path))
    groups = {Path(data.name(i)).name.partition("[")[0]: data.group_of(i) for i in range(5)}
    assert groups.pop("x_sub-01.nii") == str(tmp_path / "a" / "x_sub-01.nii")
    assert groups == {Path(name).name: name[:6] for name in names}


def test_volumes_are_turned_to_the_same_axes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    volume(tmp_path / "a" / "0.nii", values)
    # The first axis from right to left, stored the other way round
    volume(tmp_path / "b" / "1.nii", values[::-1].copy(), np.diag([-1, 1, 1, 1]))
    data = Nifti(path=str(tmp_path))
    np.testing.assert_array_equal(data[0].image, data[6].image)


def test_what_is_no_volume_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"class folders with files of \.nii, \.nii\.gz"):
        Nifti(path=str(tmp_path))
    volume(tmp_path / "a" / "0.nii", np.zeros((3, 3, 3, 2), np.float32))
    with pytest.raises(DataError, match="a volume of three axes, got 3 x 3 x 3 x 2"):
        Nifti(path=str(tmp_path))


def test_a_window_of_the_data_and_a_missing_package_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    with pytest.raises(zoo.ZooError, match=r"no window: the model has it, .*value_range=\(-1000, 400\)"):
        zoo.fit(model, {"name": "readers:dicom", "path": str(tmp_path), "window": [-1000, 400]})
    from zoo_readers import packages

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(packages, "import_module", missing)
    with pytest.raises(MissingPackageError, match=r"the package pydicom, got none; .*zoo-readers\[medical\]"):
        read(tmp_path / "0.dcm", "x")


def test_a_table_of_files_keeps_a_patient_in_one_split(tmp_path: Path) -> None:
    for i in range(8):
        dicom(tmp_path / f"{i}.dcm", stored(i), PatientID=f"p{i // 2}" if i < 6 else "")
    rows = [f"{i}.dcm,{'ab'[i % 2]},{i},{'train' if i < 6 else 'val'}" for i in range(8)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,scanner,side", *rows]))
    table = {"name": "table", "path": str(tmp_path / "labels.csv"), "image": "file", "target": "label"}
    data = as_dataset(table)
    with pytest.warns(zoo.ZooWarning, match="by what their files say, 3 groups; group names"):
        assert [data.group_of(i) for i in range(8)] == ["p0", "p0", "p1", "p1", "p2", "p2", None, None]
    # What the user says goes before: another column, or the splits
    data = as_dataset({**table, "group": "scanner"})
    assert [data.group_of(i) for i in range(3)] == ["0", "1", "2"]
    assert as_dataset({**table, "split": "side"}).group_of(0) == "train\0p0"


def test_class_folders_of_files_keep_a_patient_in_one_split(tmp_path: Path) -> None:
    for i in range(6):
        dicom(tmp_path / "ab"[i % 2] / f"{i}.dcm", stored(i), PatientID=f"p{i // 2}")
    data = as_dataset(str(tmp_path))
    with pytest.warns(zoo.ZooWarning, match="their files say, 3 groups; group, a part of their names, says"):
        assert [data.group_of(i) for i in range(6)] == ["p0", "p1", "p2", "p0", "p1", "p2"]
    # What the user says goes before, without a word
    own = as_dataset({"path": str(tmp_path), "group": r"(\d)\.dcm"})
    assert len({own.group_of(i) for i in range(6)}) == 6
    (tmp_path / "a" / "0~aug1.dcm").write_bytes((tmp_path / "a" / "0.dcm").read_bytes())
    with pytest.warns(zoo.ZooWarning, match="3 groups"):
        assert [as_dataset(str(tmp_path)).group_of(i) for i in range(2)] == ["p0", "p0"]


PARTED = r"2 groups that files say, such as patients, in more than one split \('p0' first\): figures may be"


def test_a_patient_on_both_sides_of_the_users_splits_is_told(tmp_path: Path) -> None:
    for i in range(12):
        side = "test" if i in (1, 7) else "train"
        dicom(
            tmp_path / side / "ab"[i // 6] / f"{i}.dcm",
            stored(i),
            PatientID=f"p{i // 6}{'' if i % 6 < 2 else i % 3}",
        )
    with pytest.warns(zoo.ZooWarning, match=f"{PARTED} too good: .*1.dcm and .*0.dcm") as told:
        found = split(data := as_dataset(str(tmp_path)))
    assert sum("figures" in str(w.message) for w in told) == 1
    # Val, cut from train, has no patient of it
    sides = [{data.group_of(i) for i in found.of(name)} for name in ("train", "val")]
    assert not sides[0] & sides[1]
    finding = next(f for f in report(tmp_path).findings if "figures may be" in f.text)
    assert not finding.stops
    assert len(finding.names) == 2


@pytest.mark.parametrize("cells", [("train", "test"), (0, 1)])
def test_a_patient_on_both_sides_of_a_tables_splits_or_folds_is_told(tmp_path: Path, cells: Any) -> None:
    for i in range(8):
        dicom(tmp_path / f"{i}.dcm", stored(i), PatientID=f"p{i // 2}" if i < 4 else f"q{i}")
    rows = [f"{i}.dcm,{'ab'[i // 4]},{cells[i % 2]}" for i in range(8)]
    (tmp_path / "t.csv").write_text("\n".join(["file,label,side", *rows]))
    data = as_dataset({"name": "table", "path": str(tmp_path / "t.csv"), "target": "label", "split": "side"})
    with pytest.warns(zoo.ZooWarning, match=PARTED):
        assert data.group_of(0) is not None
    assert any("figures may be" in f.text for f in report(data).findings)


@pytest.mark.parametrize("form", ["{split}/{label}", "seg_{split}/{label}", "{label}/{split}"])
def test_folders_of_splits_are_no_classes(tmp_path: Path, form: str) -> None:
    sides, volumes = ("train", "test"), tmp_path / "n"
    for i, (side, label) in enumerate((side, label) for side in sides for label in "ab"):
        folder = form.format(split=side, label=label)
        dicom(tmp_path / "d" / folder / f"{i}.dcm", stored(i), PatientID=f"p{i}")
        volume(volumes / folder / f"{i}.nii", np.arange(27, dtype=np.float32).reshape(3, 3, 3))
    for data in (Dicom(path=str(tmp_path / "d")), Nifti(path=str(volumes), every=3)):
        assert data.labels == ("a", "b")
        found = {(data.split_of(i), data.labels[data.targets[i]]) for i in range(len(data))}
        assert len(data) == 4
        assert found == {(side, label) for side in sides for label in "ab"}


@pytest.mark.parametrize(
    "folders",
    [
        ("train/a", "train/b", "test/a", "more/a"),  # beside splits
        ("train", "test"),  # without classes
        ("a/train", "a/test", "b"),  # in one class alone
        ("train/a", "training/a"),  # a split twice
    ],
)
def test_folders_of_which_some_say_splits_are_refused(folders: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="folders of splits around all classes, in all of them, or nowhere"):
        _level_of_splits([tuple(folder.split("/")) for folder in folders], "x")


@pytest.mark.parametrize("folders", [("test_a/p1", "test_b/p1"), ("a/test", "b/p2"), ("test", "control")])
def test_folders_of_classes_may_sound_like_splits(folders: tuple[str, ...]) -> None:
    assert _level_of_splits([tuple(folder.split("/")) for folder in folders], "x") is None


def test_a_plain_folder_of_volumes_names_the_set_that_reads_it() -> None:
    tiny = Path(__file__).parents[1] / "src/zoo_readers/tiny/nifti"
    with pytest.raises(DataError) as caught:
        as_dataset(str(tiny))
    assert f"say data={{'name': 'readers:nifti', 'path': '{tiny}'}}, which reads .nii" in str(caught.value)
    assert as_dataset({"name": "readers:nifti", "path": str(tiny)}).labels == ("dark", "light")
