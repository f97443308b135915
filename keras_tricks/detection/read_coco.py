"""Reads COCO annotations."""

import json
import pathlib
from collections import defaultdict

from keras_tricks.detection import _problems as found
from keras_tricks.detection._records import Record, annotations_of


def read_coco(json_file, image_folder=None, class_names=None, verify=True):
    """Read pictures and their boxes from a JSON file of COCO's form.

    Labels are the places of the categories in the order of their ids: 0 to 79 for
    COCO's ids 1 to 90. Boxes with `iscrowd` are marked in `.crowd`. Whatever is wrong
    with single entries, pictures or boxes is repaired or left out, told in one warning
    and kept in `.problems`.

    Args:
        json_file: Path of a file with `images`, `categories` and, unless it is a test
            set, `annotations`.
        image_folder: Folder that each `file_name` is relative to. `None` for the
            file's own folder, or `images` in it.
        class_names: Names of the classes in the order of their labels, or `None` for
            the file's categories. Give the training set's for the test set.
        verify: Whether to decode every picture once, which finds those that are cut
            off: about 3 ms for 640x480 pixels on one core. Without it a cut-off picture
            stops `dataset` when its turn comes.

    Returns:
        `Annotations`, whose `ids` are COCO's image ids.

    Raises:
        ImportError: If Pillow is not installed.
        TypeError: If `class_names` are not strings.
        ValueError: If the file is not of COCO's form, or no picture of it is readable.

    Example:
        >>> try:
        ...     read_coco("nowhere.json")
        ... except ValueError as error:
        ...     print(error)
        `json_file` must be a file. Received: json_file='nowhere.json'.

    Reference:
        [Lin et al., 2014](https://arxiv.org/abs/1405.0312).
    """
    path = pathlib.Path(json_file)
    content = _load(path)
    problems = defaultdict(list)
    names = _categories(content["categories"], problems)
    records = _records(content["images"], _folder(path, image_folder), problems)
    for annotation in content["annotations"]:
        _add(annotation, records, names, problems)
    if class_names is None:
        class_names = list(dict.fromkeys(names.values()))
    once = list({id(record): record for record in records.values()}.values())
    received = f"json_file={str(path)!r}, image_folder={image_folder!r}"
    result = annotations_of(once, class_names, problems, verify, received)
    found.warn_of(result.problems, path, stacklevel=2)
    return result


def _load(path):
    if not path.is_file():
        raise ValueError(
            f"`json_file` must be a file. Received: json_file={str(path)!r}."
        )
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:  # also of an encoding
        raise ValueError(
            f"`json_file` must be JSON: {error}. Received: json_file={str(path)!r}."
        ) from error
    content = {"annotations": [], **content} if isinstance(content, dict) else {}
    for key in ("images", "categories", "annotations"):
        if not isinstance(content.get(key), list):
            raise ValueError(
                f"`json_file` must be COCO's: an object with a list {key!r}. "
                f"Received: json_file={str(path)!r}."
            )
    return content


def _folder(path, image_folder):
    if image_folder is None:
        below = path.parent / "images"
        return [path.parent, below] if below.is_dir() else [path.parent]
    folder = pathlib.Path(image_folder)
    if not folder.is_dir():
        raise ValueError(
            "`image_folder` must be an existing folder. "
            f"Received: image_folder={str(folder)!r}."
        )
    return [folder]


def _categories(categories, problems):
    """Return names by id, in the order of the ids."""
    names = {}
    for category in categories:
        try:
            names[int(category["id"])] = str(category["name"]).strip()
        except (KeyError, TypeError, ValueError):
            problems[found.MALFORMED].append(f"category {_short(category)}")
    return dict(sorted(names.items()))


def _records(images, folders, problems):
    """Return records by image id; entries of one file share a record."""
    records, of_path = {}, {}
    for image in images:
        try:
            number, name = image["id"], image["file_name"]
            paths = [folder / name for folder in folders]
            known = number in records
        except (KeyError, TypeError):
            problems[found.MALFORMED].append(f"image {_short(image)}")
            continue
        path = next((path for path in paths if path.is_file()), paths[0])
        if known or path in of_path:
            problems[found.LISTED_TWICE].append(f"{name}, id {number}")
        if not known:
            new = Record(path, number, name, _size(image), [], xywh=True)
            records[number] = of_path.setdefault(path, new)
    return records


def _size(image):
    try:
        return int(image["height"]), int(image["width"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _add(annotation, records, names, problems):
    try:
        record = records.get(annotation["image_id"])
        category = annotation["category_id"]
        name = names.get(category, f"category {category}")
    except (KeyError, TypeError):
        problems[found.MALFORMED].append(f"annotation {_short(annotation)}")
        return
    box, crowd = annotation.get("bbox"), bool(annotation.get("iscrowd"))
    if record is None:
        text = f"image {annotation['image_id']}: {name} {box}"
        problems[found.UNKNOWN_PICTURE].append(text)
    else:
        record.objects.append((name, box, crowd))


def _short(value):
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."
