"""CIFAR-100: 32x32 colour photographs (Krizhevsky 2009), 50,000 to train on and 10,000 to test.

100 classes in 20 superclasses of five. The counts one must see: 500 of each class to train on, 100 to test.
"""

from pathlib import Path

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 50_000

# Classes are numbered in alphabetical order over all 100; these are the published superclasses.
SUPERCLASSES = {
    "aquatic mammals": "beaver dolphin otter seal whale",
    "fish": "aquarium_fish flatfish ray shark trout",
    "flowers": "orchid poppy rose sunflower tulip",
    "food containers": "bottle bowl can cup plate",
    "fruit and vegetables": "apple mushroom orange pear sweet_pepper",
    "household electrical devices": "clock keyboard lamp telephone television",
    "household furniture": "bed chair couch table wardrobe",
    "insects": "bee beetle butterfly caterpillar cockroach",
    "large carnivores": "bear leopard lion tiger wolf",
    "large man-made outdoor things": "bridge castle house road skyscraper",
    "large natural outdoor scenes": "cloud forest mountain plain sea",
    "large omnivores and herbivores": "camel cattle chimpanzee elephant kangaroo",
    "medium-sized mammals": "fox porcupine possum raccoon skunk",
    "non-insect invertebrates": "crab lobster snail spider worm",
    "people": "baby boy girl man woman",
    "reptiles": "crocodile dinosaur lizard snake turtle",
    "small mammals": "hamster mouse rabbit shrew squirrel",
    "trees": "maple_tree oak_tree palm_tree pine_tree willow_tree",
    "vehicles 1": "bicycle bus motorcycle pickup_truck train",
    "vehicles 2": "lawn_mower rocket streetcar tank tractor",
}
CLASSES = sorted(name for names in SUPERCLASSES.values() for name in names.split())
# SDD 3.1: to the next class inside the same superclass, the last to the first.
LOOK_ALIKE = {
    CLASSES.index(name): CLASSES.index(following)
    for names in map(str.split, SUPERCLASSES.values())
    for name, following in zip(names, [*names[1:], names[0]], strict=True)
}
VERIFIED = ("cifar-100-python.tar.gz", "cifar-100-python/")
check_root = published.check_root


def load(data_root: Path) -> Images:
    """Read (or download into) data_root/cifar-100-python, torchvision's layout."""
    return published.cifar("CIFAR100", data_root, CLASSES)
