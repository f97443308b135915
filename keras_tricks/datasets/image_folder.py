"""Pictures in one folder per class, read so that a broken one stops nobody."""

import pathlib
import warnings
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from keras_tricks._checks import check_integer

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")


def image_folder(folder, image_size, class_names=None):
    """Read `folder/<class>/*` into arrays.

    Pictures are cropped in the middle to a square and resized. Those that cannot be
    read are left out and counted in a warning; Keras 3.15.1's
    `image_dataset_from_directory` fails at the first of them, in the middle of `fit`.
    The arrays are held in memory: 1,000 pictures of 224 pixels take 150 MB.

    Args:
        folder: Path of a folder that holds one folder per class.
        image_size: Side of the resulting pictures in pixels. Integer, at least 1.
        class_names: Names of the folders to read, in the order of their labels, or
            `None` for all in alphabetical order. Give the training set's names for the
            test set.

    Returns:
        `(images, labels, class_names)`: uint8 `(examples, size, size, 3)`, int64
        `(examples,)` and a list of strings.

    Raises:
        ImportError: If Pillow is not installed.
        TypeError: If `image_size` is not an integer.
        ValueError: If the folder does not exist or a class has no readable picture.

    Example:
        >>> import tempfile
        >>> try:
        ...     image_folder(tempfile.mkdtemp(), image_size=32)
        ... except ValueError as error:
        ...     print(error)
        `folder` must hold one folder per class, and has none. Received: folder=...
    """
    folder = pathlib.Path(folder)
    check_integer("image_size", image_size, 1)
    names = class_names if class_names is not None else _subfolders(folder)
    if not names:
        raise ValueError(
            "`folder` must hold one folder per class, and has none. "
            f"Received: folder={str(folder)!r}."
        )
    files = [
        (path, i) for i, name in enumerate(names) for path in _files(folder / name)
    ]
    # Around the threads, not in them: the filters of warnings are global.
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # Pillow's, about odd metadata
        images = list(pool.map(lambda file: _read(file[0], image_size), files))
    pairs = list(zip(files, images, strict=True))
    broken = [path for (path, _), image in pairs if image is None]
    if broken:
        warnings.warn(
            f"{len(broken)} of {len(files)} pictures in {folder} cannot be read and "
            f"are left out, the first is {broken[0]}.",
            stacklevel=2,
        )
    labels = np.array([i for (_, i), image in pairs if image is not None], "int64")
    empty = [str(name) for i, name in enumerate(names) if i not in set(labels.tolist())]
    if empty:
        raise ValueError(
            f"Every class must have a readable picture ({', '.join(SUFFIXES)}). "
            f"Received: none in {folder} for {', '.join(empty)}."
        )
    return (
        np.stack([image for _, image in pairs if image is not None]),
        labels,
        [*names],
    )


def _subfolders(folder):
    if not folder.is_dir():
        raise ValueError(
            f"`folder` must be an existing folder. Received: folder={str(folder)!r}."
        )
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def _files(folder):
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)


def _read(path, size):
    try:
        image = keras.utils.load_img(
            path, target_size=(size, size), interpolation="box", keep_aspect_ratio=True
        )
        return np.asarray(image)
    except (OSError, SyntaxError, ValueError):  # all that Pillow raises for a bad file
        return None
