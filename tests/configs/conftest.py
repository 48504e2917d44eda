"""Small data sets under the names of the paper's, and their numbers."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

# 100 classes need many images for each to be in every part.
SIZES = {"cifar10": 600, "svhn_cropped": 600, "cifar100": 3000}


def prepare(name, data_dir):
    """Writes images with a brightness for each class, by TFDS' own code."""
    builder = tfds.builder(name, data_dir=data_dir)
    features = builder.info.features
    classes = features["label"].num_classes
    rng = np.random.default_rng(0)

    def examples(part, count):
        for index in range(count):
            label = index % classes
            image = rng.integers(0, 156, (32, 32, 3))
            image[: 8 + label % 10] += 99
            every = {
                "id": f"{part}_{index:05}",
                "image": image.astype("uint8"),
                "label": label,
                "coarse_label": 0,
            }
            yield f"{part}{index}", {key: every[key] for key in features}

    builder._split_generators = lambda _: {
        "train": examples("train", SIZES[name]),
        "test": examples("test", 200),
    }
    builder.download_and_prepare()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Returns a function for a folder with the data sets of these names."""
    folder, known = tmp_path_factory.mktemp("tfds"), set()

    def of(names):
        for name in set(names) & SIZES.keys() - known:
            prepare(name, folder)
            known.add(name)
        return folder

    return of
