"""Writers of small sets in the formats that torchvision reads; each takes the root and nothing else."""

from __future__ import annotations

import bz2
import json
import pickle
import zlib
from pathlib import Path

import h5py
import numpy as np
import torch
from PIL import Image
from scipy.io import savemat


def draw(*about, shape=(12, 10, 3)):
    """Pixels that follow from what they are of."""
    return np.random.default_rng(zlib.crc32(repr(about).encode())).integers(0, 256, shape, dtype=np.uint8)


def photo(path, shape=(12, 10, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw(str(path.name), str(path.parent), shape=shape)).save(path)


def mask(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.resize(np.array(values, dtype=np.uint8), (12, 10))).save(path)


def text(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def idx(path, array):
    """LeCun's format: a mark of the type, sizes, numbers."""
    kind, dtype = (8, ">u1") if array.dtype == np.uint8 else (12, ">i4")
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bytes([0, 0, kind, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + array.astype(dtype).tobytes())


def mnist(folder, train, test, targets=(0, 1, 2, 3), labels="labels-idx1-ubyte"):
    def write(root):
        for split, prefix in (("train", train), ("test", test)):
            raw = root / folder / "raw"
            idx(raw / f"{prefix}-images-idx3-ubyte", draw(folder, split, shape=(len(targets), 28, 28)))
            numbers = np.array(targets, dtype=np.uint8)
            if "int" in labels:
                numbers = np.repeat(numbers[:, None].astype(np.int32), 8, axis=1)
            idx(raw / f"{prefix}-{labels}", numbers)

    return write


def cifar(folder, files, key, meta, names):
    def write(root):
        (root / folder).mkdir(parents=True)
        for file in files:
            pixels = draw(folder, file, shape=(2, 3072))
            (root / folder / file).write_bytes(pickle.dumps({"data": pixels, key: [0, 1]}))
        (root / folder / meta[0]).write_bytes(pickle.dumps({meta[1]: names}))

    return write


def clevr(root):
    for split in ("train", "val"):
        folder = root / "clevr" / "CLEVR_v1.0"
        scenes = [{"image_filename": f"{split}_{n}.png", "objects": [{}] * n} for n in (3, 10)]
        for scene in scenes:
            photo(folder / "images" / split / scene["image_filename"])
        (folder / "images" / "test").mkdir(exist_ok=True)
        text(folder / "scenes" / f"CLEVR_{split}_scenes.json", json.dumps({"scenes": scenes}))


def caltech101(root):
    for kind in ("BACKGROUND_Google", "Faces", "accordion"):
        for n in (1, 2):
            photo(root / "caltech101" / "101_ObjectCategories" / kind / f"image_{n:04d}.jpg")


def caltech256(root):
    for y, kind in enumerate(("001.ak47", "002.american-flag"), 1):
        for n in (1, 2):
            photo(root / "caltech256" / "256_ObjectCategories" / kind / f"{y:03d}_{n:04d}.jpg")


def celeba(root):
    folder, files = root / "celeba", [f"{n:06d}.jpg" for n in range(1, 7)]
    for file in files:
        photo(folder / "img_align_celeba" / file)
    text(folder / "list_eval_partition.txt", *(f"{file} {n // 2}" for n, file in enumerate(files)))
    text(folder / "identity_CelebA.txt", *(f"{file} {n + 7}" for n, file in enumerate(files)))
    for name, header, row in (
        ("list_bbox_celeba.txt", "image_id x_1 y_1 width height", "1 2 3 4"),
        ("list_landmarks_align_celeba.txt", " ".join("abcdefghij"), " ".join("1234567890")),
        ("list_attr_celeba.txt", "Bald Male Young ", "-1 1 -1"),
    ):
        text(folder / name, "3", header, *(f"{file} {row}" for file in files))


def cityscapes(root):
    for split in ("train", "val"):
        for city, n in (("bonn", 2), ("aachen", 1)):
            name = f"{city}_{n:06d}_000019"
            photo(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png")
            mask(root / "gtFine" / split / city / f"{name}_gtFine_labelIds.png", [7, 8, 0, 26, 33, 3, 255])


def folders(top, splits, kinds, suffix="jpg"):
    def write(root):
        for split in splits:
            for kind in kinds:
                for n in (1, 2):
                    photo(root / top / split / kind / f"{kind}_{split or 'all'}_{n}.{suffix}")

    return write


def dtd(root):
    for split in ("train", "val", "test"):
        lines = [f"{kind}/{kind}_{split}.jpg" for kind in ("banded", "woven")]
        text(root / "dtd" / "dtd" / "labels" / f"{split}1.txt", *lines)
        for line in lines:
            photo(root / "dtd" / "dtd" / "images" / line)


def fer(root):
    rows = [f"{n},{' '.join(map(str, draw('fer', n, shape=48 * 48)))}" for n in range(4)]
    usages = ("Training", "Training", "PublicTest", "PrivateTest")
    lines = [f"{row},{usage}" for row, usage in zip(rows, usages, strict=True)]
    text(root / "fer2013" / "fer2013.csv", "emotion,pixels,Usage", *lines)


def aircraft(root):
    data = root / "fgvc-aircraft-2013b" / "data"
    levels = {"variant": "variants", "family": "families", "manufacturer": "manufacturers"}
    for level, file in levels.items():
        text(data / f"{file}.txt", f"A {level}", f"B {level}")
        for split in ("train", "val", "test"):
            text(data / f"images_{level}_{split}.txt", *(f"{split}{k} {k} {level}" for k in "AB"))
    for split in ("train", "val", "test"):
        for k in "AB":
            photo(data / "images" / f"{split}{k}.jpg")


def flowers(root):
    folder = root / "flowers-102"
    for n in range(1, 7):
        photo(folder / "jpg" / f"image_{n:05d}.jpg")
    savemat(folder / "imagelabels.mat", {"labels": np.array([1, 2, 1, 102, 1, 2])})
    savemat(folder / "setid.mat", {"trnid": [1, 2], "valid": [3, 4], "tstid": [5, 6]})


def food(root):
    for split in ("train", "test"):
        paths = {kind: [f"{kind}/{split}{n}" for n in (1, 2)] for kind in ("apple_pie", "waffles")}
        text(root / "food-101" / "meta" / f"{split}.json", json.dumps(paths))
        for path in [*paths["apple_pie"], *paths["waffles"]]:
            photo(root / "food-101" / "images" / f"{path}.jpg")


def signs(root):
    folder = root / "gtsrb" / "GTSRB"
    for n in (0, 1):
        photo(folder / "Training" / f"{n:05d}" / f"{n}_0.ppm")
        photo(folder / "Final_Test" / "Images" / f"{n:05d}.ppm")
    text(root / "gtsrb" / "GT-final_test.csv", "Filename;ClassId", "00000.ppm;16", "00001.ppm;1")


def inaturalist(root):
    kinds = (("Fungi", "Rubra"), ("Animalia", "Alba"))
    for version in ("2021_train", "2021_valid"):
        for n, (kingdom, species) in enumerate(kinds):
            photo(root / version / f"{n:05d}_{kingdom}_P_C_O_F_G_{species}" / f"{version}.jpg")


def imagenet(root):
    known = {"n01440764": ("tench", "Tinca tinca"), "n01443537": ("goldfish", "Carassius auratus")}
    root.mkdir(parents=True, exist_ok=True)
    torch.save((known, ["n01440764"]), root / "meta.bin")
    for split in ("train", "val"):
        for kind in known:
            photo(root / split / kind / f"{split}.JPEG")


def people(root):
    folder = root / "lfw-py"
    text(folder / "lfw-funneled.tgz", "archive")
    text(folder / "lfw-names.txt", "Ada 2", "Bob 1")
    text(folder / "people.txt", "2", "1", "Ada\t2", "1", "Bob\t1")
    for name, count in (("Ada", 2), ("Bob", 1)):
        for n in range(1, count + 1):
            photo(folder / "lfw_funneled" / name / f"{name}_{n:04d}.jpg")


def omniglot(root):
    text(root / "omniglot-py" / "images_background.zip", "archive")
    for name in ("character01", "character02"):
        photo(root / "omniglot-py" / "images_background" / "Latin" / name / f"{name}_01.png", shape=(12, 10))


def pets(root):
    folder = root / "oxford-iiit-pet"
    for split in ("trainval", "test"):
        rows = [("Abyssinian", 1, 1), ("Beagle", 2, 2)]
        lines = [f"{name}_{split} {label} {kind} 1" for name, label, kind in rows]
        text(folder / "annotations" / f"{split}.txt", *lines)
        for line in lines:
            photo(folder / "images" / f"{line.split()[0]}.jpg")
            mask(folder / "annotations" / "trimaps" / f"{line.split()[0]}.png", [1, 2, 3])


def pcam(root):
    from torchvision.datasets import PCAM

    (root / "pcam").mkdir(parents=True)
    for split, files in PCAM._FILES.items():
        with h5py.File(root / "pcam" / files["images"][0], "w") as file:
            file["x"] = draw("pcam", split, shape=(2, 96, 96, 3))
        with h5py.File(root / "pcam" / files["targets"][0], "w") as file:
            file["y"] = np.array([0, 1], dtype=np.uint8).reshape(2, 1, 1, 1)


def places(root):
    text(root / "categories_places365.txt", "/a/airfield 0", "/z/zen_garden 1")
    files = ["/a/airfield/1.jpg", "/z/zen_garden/1.jpg"]
    text(root / "places365_train_standard.txt", *(f"{file} {n}" for n, file in enumerate(files)))
    text(root / "places365_val.txt", "1.jpg 1", "2.jpg 0")
    for file in files:
        photo(root / "data_large_standard" / file[1:])
    for file in ("1.jpg", "2.jpg"):
        photo(root / "val_large" / file)


def sbd(root):
    for split in ("train", "val"):
        text(root / f"{split}.txt", f"sbd_{split}")
        photo(root / "img" / f"sbd_{split}.jpg")
        (root / "cls").mkdir(exist_ok=True)
        values = np.resize(np.array([0, 20, 3], dtype=np.uint8), (12, 10))
        table = np.zeros((1,), dtype=[("Segmentation", object)])
        table[0]["Segmentation"] = values
        savemat(root / "cls" / f"sbd_{split}.mat", {"GTcls": table})


def semeion(root):
    rows = [
        " ".join([*map(str, draw("semeion", n, shape=256) % 2), *("1" if k == n else "0" for k in range(10))])
        for n in (0, 9)
    ]
    text(root / "semeion.data", *rows)


def stl(root):
    folder = root / "stl10_binary"
    text(folder / "class_names.txt", "airplane", "bird")
    for split in ("train", "test"):
        (folder / f"{split}_X.bin").write_bytes(draw("stl", split, shape=(2, 3, 96, 96)).tobytes())
        (folder / f"{split}_y.bin").write_bytes(bytes([1, 2]))
    for name in ("unlabeled_X.bin", "fold_indices.txt"):
        (folder / name).write_bytes(b"")


def sun(root):
    text(root / "SUN397" / "ClassName.txt", "/a/abbey", "/b/bakery/shop")
    for kind in ("b/bakery/shop", "a/abbey"):
        photo(root / "SUN397" / kind / f"sun_{kind[0]}.jpg")


def svhn(root):
    root.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test", "extra"):
        pixels = draw("svhn", split, shape=(32, 32, 3, 2))
        savemat(root / f"{split}_32x32.mat", {"X": pixels, "y": np.array([[10], [1]], dtype=np.uint8)})


def cars(root):
    folder = root / "stanford_cars"
    (folder / "devkit").mkdir(parents=True)
    names = np.array(["AM General Hummer", "Acura RL"], dtype=object)
    savemat(folder / "devkit" / "cars_meta.mat", {"class_names": names})
    for split, place in (
        ("train", folder / "devkit" / "cars_train_annos.mat"),
        ("test", folder / "cars_test_annos_withlabels.mat"),
    ):
        rows = np.zeros(2, dtype=[("fname", object), ("class", object)])
        for n in (0, 1):
            rows[n] = (f"{split}{n}.jpg", n + 1)
            photo(folder / f"cars_{split}" / f"{split}{n}.jpg")
        savemat(place, {"annotations": rows})


def usps(root):
    root.mkdir(parents=True, exist_ok=True)
    for file in ("usps.bz2", "usps.t.bz2"):
        values = draw(file, shape=(2, 256)) / 127.5 - 1
        rows = [
            f"{n + 9} {' '.join(f'{k + 1}:{v:.4f}' for k, v in enumerate(row))}"
            for n, row in enumerate(values)
        ]
        (root / file).write_bytes(bz2.compress("\n".join(rows).encode()))


def voc(root):
    folder = root / "VOCdevkit" / "VOC2012"
    for split in ("train", "val"):
        text(folder / "ImageSets" / "Segmentation" / f"{split}.txt", f"2007_{split}")
        photo(folder / "JPEGImages" / f"2007_{split}.jpg")
        mask(folder / "SegmentationClass" / f"2007_{split}.png", [0, 15, 255])


THREE = ("train", "valid", "test")
WRITERS = {
    "CIFAR10": cifar(
        "cifar-10-batches-py", [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"], "labels",
        ("batches.meta", "label_names"), ["airplane", "automobile"],
    ),
    "CIFAR100": cifar(
        "cifar-100-python", ["train", "test"], "fine_labels", ("meta", "fine_label_names"), ["apple", "baby"]
    ),
    "CLEVRClassification": clevr, "Caltech101": caltech101, "Caltech256": caltech256, "CelebA": celeba,
    "Cityscapes": cityscapes, "Country211": folders("country211", THREE, ("AD", "ZW")), "DTD": dtd,
    "EMNIST": mnist("EMNIST", "emnist-balanced-train", "emnist-balanced-test"),
    "EuroSAT": folders("eurosat/2750", ("",), ("Forest", "River")), "FER2013": fer, "FGVCAircraft": aircraft,
    "FashionMNIST": mnist("FashionMNIST", "train", "t10k"), "Flowers102": flowers, "Food101": food,
    "GTSRB": signs, "INaturalist": inaturalist, "ImageNet": imagenet,
    "Imagenette": folders("imagenette2", ("train", "val"), ("n01440764", "n02102040"), "JPEG"),
    "KMNIST": mnist("KMNIST", "train", "t10k"), "LFWPeople": people, "MNIST": mnist("MNIST", "train", "t10k"),
    "Omniglot": omniglot, "OxfordIIITPet": pets, "PCAM": pcam, "Places365": places,
    "QMNIST": mnist("QMNIST", "qmnist-train", "qmnist-test", labels="labels-idx2-int"),
    "RenderedSST2": folders("rendered-sst2", THREE, ("negative", "positive"), "png"), "SBDataset": sbd,
    "SEMEION": semeion, "STL10": stl, "SUN397": sun, "SVHN": svhn, "StanfordCars": cars, "USPS": usps,
    "VOCSegmentation": voc,
}  # fmt: skip


def write(root: Path, *names: str) -> None:
    """Writes the sets of these names below a root."""
    for name in names:
        WRITERS[name](root)
