"""What readers find wrong with a data set: the reasons, and how they are told."""

import warnings

UNREADABLE = "annotations that cannot be read, their pictures left out"
UNANNOTATED = "pictures without an annotation, left out"
MISSING = "annotations without a picture, left out"
BROKEN = "pictures that cannot be read, left out"
LISTED_TWICE = "pictures listed twice, read once"
TURNED = "pictures turned upright, as their EXIF says"
OTHER_SIZE = "sizes in annotations that are not the picture's, ignored"
OTHER_SCALE = "pictures whose boxes fit the annotation's size only: scale them"
EMPTY = "pictures without boxes, kept as background"
UNKNOWN_PICTURE = "boxes of pictures that are not listed, left out"
UNKNOWN_CLASS = "boxes of classes that are not in `class_names`, left out"
NO_NUMBERS = "boxes without four finite numbers, left out"
SWAPPED = "boxes with edges swapped, put in order"
OUTSIDE = "boxes that leave their picture, clipped"
NO_AREA = "boxes of no area inside their picture, left out"
TWICE = "boxes that are there twice, read once"
CROWD = "boxes marked difficult or crowd, not trained on"
MALFORMED = "entries without the fields of their kind, left out"

SHOWN = 3  # texts per reason in a report; `problems` has them all


def tell(problems):
    """Return a line for every reason: how often, and the first few places."""
    lines = []
    for reason, texts in problems.items():
        shown = "; ".join(texts[:SHOWN]) + ("; …" if len(texts) > SHOWN else "")
        lines.append(f"  {reason}: {len(texts)} ({shown})")
    return "\n".join(lines)


def warn_of(problems, source, stacklevel):
    """Give one warning of all problems, if there are any."""
    if problems:
        warnings.warn(
            f"Reading {source} met (all in `.problems`):\n{tell(problems)}",
            stacklevel=stacklevel + 1,
        )
