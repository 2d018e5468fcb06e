"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, Namespace, hookimpl

# name, as torchvision spells it: (options class, task, address, summary)
TABLE = {
    "CIFAR10": (
        "SetOptions",
        "multiclass",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "60,000 colour images of 32 x 32 pixels, 10 classes.",
    ),
    "CIFAR100": (
        "SetOptions",
        "multiclass",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "60,000 colour images of 32 x 32 pixels, 100 classes.",
    ),
    "CLEVRClassification": (
        "SetOptions",
        "multiclass",
        "https://cs.stanford.edu/people/jcjohns/clevr/",
        "Drawn scenes, by the number of their objects.",
    ),
    "Caltech101": (
        "SetOptions",
        "multiclass",
        "https://data.caltech.edu/records/20086",
        "Objects of 101 kinds.",
    ),
    "Caltech256": (
        "SetOptions",
        "multiclass",
        "https://data.caltech.edu/records/20087",
        "Objects of 256 kinds, and clutter.",
    ),
    "CelebA": (
        "CelebAOptions",
        "multilabel",
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        "Faces with 40 attributes, or by person.",
    ),
    "Cityscapes": (
        "CityscapesOptions",
        "segmentation",
        "https://www.cityscapes-dataset.com/",
        "Streets of German cities, with masks.",
    ),
    "Country211": (
        "SetOptions",
        "multiclass",
        "https://github.com/openai/CLIP/blob/main/data/country211.md",
        "Photographs by the country that they were taken in.",
    ),
    "DTD": (
        "DTDOptions",
        "multiclass",
        "https://www.robots.ox.ac.uk/~vgg/data/dtd/",
        "Describable textures, 47 classes.",
    ),
    "EMNIST": (
        "EMNISTOptions",
        "multiclass",
        "https://www.nist.gov/itl/products-and-services/emnist-dataset",
        "Handwritten letters and digits, 28 x 28 gray pixels.",
    ),
    "EuroSAT": (
        "SetOptions",
        "multiclass",
        "https://github.com/phelber/eurosat",
        "Satellite images of 64 x 64 pixels, 10 classes of land use.",
    ),
    "FER2013": (
        "RootedOptions",
        "multiclass",
        "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge",
        "Faces of 48 x 48 gray pixels, 7 expressions.",
    ),
    "FGVCAircraft": (
        "AircraftOptions",
        "multiclass",
        "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
        "Aircraft by variant, family or manufacturer.",
    ),
    "FashionMNIST": (
        "SetOptions",
        "multiclass",
        "https://github.com/zalandoresearch/fashion-mnist",
        "70,000 articles of clothing, 28 x 28 gray pixels.",
    ),
    "Flowers102": (
        "SetOptions",
        "multiclass",
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        "Flowers of 102 kinds.",
    ),
    "Food101": (
        "SetOptions",
        "multiclass",
        "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        "101,000 photographs of 101 dishes.",
    ),
    "GTSRB": (
        "SetOptions",
        "multiclass",
        "https://benchmark.ini.rub.de/gtsrb_dataset.html",
        "German traffic signs, 43 classes.",
    ),
    "INaturalist": (
        "INaturalistOptions",
        "multiclass",
        "https://github.com/visipedia/inat_comp",
        "Plants and animals by species or group.",
    ),
    "ImageNet": (
        "RootedOptions",
        "multiclass",
        "https://image-net.org/challenges/LSVRC/2012/",
        "ImageNet of 2012, 1,000 classes.",
    ),
    "Imagenette": (
        "ImagenetteOptions",
        "multiclass",
        "https://github.com/fastai/imagenette",
        "Ten classes of ImageNet that are easily told apart.",
    ),
    "KMNIST": (
        "SetOptions",
        "multiclass",
        "https://github.com/rois-codh/kmnist",
        "70,000 handwritten hiragana, 28 x 28 gray pixels.",
    ),
    "LFWPeople": (
        "LFWOptions",
        "multiclass",
        "https://www.kaggle.com/datasets/jessicali9530/lfw-dataset",
        "Labeled Faces in the Wild, by person.",
    ),
    "MNIST": (
        "SetOptions",
        "multiclass",
        "http://yann.lecun.com/exdb/mnist/",
        "70,000 handwritten digits, 28 x 28 gray pixels.",
    ),
    "Omniglot": (
        "OmniglotOptions",
        "multiclass",
        "https://github.com/brendenlake/omniglot",
        "Handwritten characters of many alphabets, 20 of each.",
    ),
    "OxfordIIITPet": (
        "PetOptions",
        "multiclass",
        "https://www.robots.ox.ac.uk/~vgg/data/pets/",
        "Cats and dogs of 37 breeds, with masks.",
    ),
    "PCAM": (
        "SetOptions",
        "binary",
        "https://github.com/basveeling/pcam",
        "Patches of lymph nodes of 96 x 96 pixels, with or without tumour.",
    ),
    "Places365": (
        "PlacesOptions",
        "multiclass",
        "http://places2.csail.mit.edu/",
        "Photographs of 365 kinds of places.",
    ),
    "QMNIST": (
        "SetOptions",
        "multiclass",
        "https://github.com/facebookresearch/qmnist",
        "MNIST made again, with a test of 60,000 digits.",
    ),
    "RenderedSST2": (
        "SetOptions",
        "binary",
        "https://github.com/openai/CLIP/blob/main/data/rendered-sst2.md",
        "Sentences drawn as images, negative or positive.",
    ),
    "SBDataset": (
        "SetOptions",
        "segmentation",
        "http://home.bharathh.info/pubs/codes/SBD/download.html",
        "Semantic boundaries: further masks for the images of Pascal VOC 2011.",
    ),
    "SEMEION": (
        "SetOptions",
        "multiclass",
        "https://archive.ics.uci.edu/dataset/178/semeion+handwritten+digit",
        "1,593 handwritten digits, 16 x 16 pixels, black and white.",
    ),
    "STL10": (
        "SetOptions",
        "multiclass",
        "https://cs.stanford.edu/~acoates/stl10/",
        "Images of 96 x 96 pixels, 10 classes with few labels.",
    ),
    "SUN397": (
        "SetOptions",
        "multiclass",
        "https://vision.princeton.edu/projects/2010/SUN/",
        "Scenes of 397 kinds.",
    ),
    "SVHN": (
        "SVHNOptions",
        "multiclass",
        "http://ufldl.stanford.edu/housenumbers/",
        "Digits of house numbers, 32 x 32 pixels.",
    ),
    "StanfordCars": (
        "RootedOptions",
        "multiclass",
        "https://github.com/pytorch/vision/issues/7545",
        "Cars by maker, model and year, 196 classes.",
    ),
    "USPS": (
        "SetOptions",
        "multiclass",
        "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        "9,298 handwritten digits, 16 x 16 gray pixels.",
    ),
    "VOCSegmentation": (
        "VOCOptions",
        "segmentation",
        "http://host.robots.ox.ac.uk/pascal/VOC/",
        "Photographs with masks of 20 kinds of things.",
    ),
}


@hookimpl
def zoo_components() -> list[Component]:
    """Every set of torchvision that gives an image and its class, classes or mask."""
    return [
        Component(
            kind="dataset",
            name=name,
            target=f"zoo_torchvision.sets:{name}",
            config=f"zoo_torchvision.config:{config}",
            summary=summary,
            paper=address,
            tags=("torchvision", "segmentation" if task == "segmentation" else "classification"),
            task=task,
        )
        for name, (config, task, address, summary) in TABLE.items()
    ]


@hookimpl
def zoo_namespace() -> Namespace:
    """`torchvision:`, which all names need: folders are often called like these sets."""
    return Namespace(name="torchvision", bare=False)
