"""Reads Pascal VOC annotations."""

import pathlib
import re
from collections import Counter, defaultdict
from xml.etree import ElementTree

from keras_tricks.detection import _problems as found
from keras_tricks.detection._pictures import SUFFIXES
from keras_tricks.detection._records import Record, annotations_of

IMAGES = ("images", "JPEGImages")
ANNOTATIONS = ("annotations", "Annotations")
LISTS = (".", "ImageSets/Main")


def read_voc(folder, split="train", class_names=None, verify=True):
    """Read the pictures of a list and their boxes from Pascal VOC's XML files.

    The folder holds `images/` or `JPEGImages/`, `annotations/` or `Annotations/`, and
    `<split>.txt`, at its top or in `ImageSets/Main/`: a name per line, with or without
    a suffix, with or without VOC's flag behind it. Whatever is wrong with single files
    or boxes is repaired or left out, told in one warning and kept in `.problems`.

    Coordinates are taken as they are, as edges counted from 0. VOC's own files count
    pixels from 1: their boxes lie one pixel off, which nobody measures.

    Args:
        folder: Path of the folder.
        split: Name of the list, or `None` for all that is there.
        class_names: Names of the classes in the order of their labels, or `None` for
            those met, in alphabetical order. Give the training set's for the test set.
        verify: Whether to decode every picture once, which finds those that are cut
            off: about 1 ms for 320x240 pixels, 90 ms for 12 megapixels, on one core.
            Without it a cut-off picture stops `dataset` when its turn comes.

    Returns:
        `Annotations`.

    Raises:
        ImportError: If Pillow is not installed.
        TypeError: If `class_names` are not strings.
        ValueError: If there is no such folder or list, or nothing in it is readable.

    Example:
        >>> import tempfile
        >>> try:
        ...     read_voc(tempfile.mkdtemp())
        ... except ValueError as error:
        ...     print(error)
        `folder` must hold a folder images or JPEGImages. Received: folder=...

    Reference:
        [Everingham et al., 2010](https://doi.org/10.1007/s11263-009-0275-4).
    """
    folder = pathlib.Path(folder)
    images = _files(_subfolder(folder, IMAGES), SUFFIXES)
    annotations = _files(_subfolder(folder, ANNOTATIONS), (".xml",))
    problems = defaultdict(list)
    if split is None:
        names = sorted({*images, *annotations})
    else:
        names = _listed(folder, split, {*images, *annotations}, problems)
    records = [_record(name, images, annotations, problems) for name in names]
    records = [record for record in records if record]
    if class_names is None:
        class_names = sorted({name for r in records for name, _, _ in r.objects})
    received = f"folder={str(folder)!r}, split={split!r}"
    result = annotations_of(records, class_names, problems, verify, received)
    found.warn_of(result.problems, f"{folder}, split {split!r},", stacklevel=2)
    return result


def _subfolder(folder, names):
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    raise ValueError(
        f"`folder` must hold a folder {' or '.join(names)}. "
        f"Received: folder={str(folder)!r}."
    )


def _files(folder, suffixes):
    """Return the files by their paths in the folder without suffix."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes)
    return {p.relative_to(folder).with_suffix("").as_posix(): p for p in files}


def _listed(folder, split, known, problems):
    lists = [folder / place / f"{split}.txt" for place in LISTS]
    path = next((path for path in lists if path.is_file()), None)
    if path is None:
        there = sorted({p.stem for file in lists for p in file.parent.glob("*.txt")})
        raise ValueError(
            f"`split` must name a list {split}.txt in {folder} or {LISTS[1]}. "
            f"Received: split={split!r}; there are {', '.join(there) or 'none'}."
        )
    text = path.read_text("utf-8-sig", errors="replace")
    names = [_name(line.strip(), known) for line in text.splitlines() if line.strip()]
    for name, count in Counter(names).items():
        if count > 1:
            problems[found.LISTED_TWICE].append(f"{name} in {path.name}")
    return list(dict.fromkeys(names))


def _name(line, known):
    """Return what a line means: a name of a file, where there is one."""
    without_flag = re.sub(r"\s+-?[01]$", "", line)
    for name in (line, without_flag):
        suffix = pathlib.PurePosixPath(name).suffix
        bare = (
            name.removesuffix(suffix) if suffix.lower() in (*SUFFIXES, ".xml") else name
        )
        _, _, below = bare.partition("/")  # of "images/1.jpg"
        for candidate in (bare, below):
            if candidate in known:
                return candidate
    return without_flag


def _record(name, images, annotations, problems):
    if name not in annotations:
        reason = found.UNANNOTATED if name in images else found.MISSING
        problems[reason].append(name if name in images else f"{name}: neither is there")
        return None
    path = annotations[name]
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, LookupError, ValueError) as error:
        problems[found.UNREADABLE].append(f"{path.name}: {error}")
        return None
    if name not in images:
        problems[found.MISSING].append(path.name)
        return None
    return Record(
        path=images[name],
        id=name,
        source=path.name,
        size=_size(root),
        objects=[_object(each) for each in root.iter("object")],
    )


def _size(root):
    try:
        return tuple(
            int(float(root.findtext(f"size/{k}"))) for k in ("height", "width")
        )
    except (TypeError, ValueError, OverflowError):
        return None


def _object(element):
    edges = [element.findtext(f"bndbox/{k}") for k in ("xmin", "ymin", "xmax", "ymax")]
    difficult = (element.findtext("difficult") or "").strip() in ("1", "true", "True")
    return (element.findtext("name") or "").strip(), edges, difficult
