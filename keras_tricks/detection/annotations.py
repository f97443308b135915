"""Pictures with boxes, ready to be looked at and trained on."""

import dataclasses

import numpy as np

from keras_tricks._checks import check_integer, check_number
from keras_tricks.detection._annotations_report import many, report
from keras_tricks.detection._pictures import height_and_width, read_picture


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Annotations:
    """Pictures, their boxes and classes, as `read_voc` and `read_coco` return them.

    `print(annotations)` tells how many there are, how large, and what is wrong.
    Pictures are upright: turned as their EXIF says, as browsers and labelling tools
    show them; `boxes` and `sizes` belong to the upright picture, which `image(index)`
    reads.

    Args:
        paths: List of strings, the files of the pictures.
        boxes: List of float32 arrays `(boxes, 4)`: left, top, right, bottom in pixels
            of the picture. A picture may have none: it is background.
        labels: List of integer arrays `(boxes,)`: places in `class_names`, from 0.
        crowd: List of boolean arrays `(boxes,)`: not to be trained on, and neither
            right nor wrong in an evaluation (VOC's "difficult", COCO's `iscrowd`).
        sizes: List of `(height, width)` of the pictures.
        class_names: List of strings.
        problems: Reason to list of short texts that name file and value.
        ids: What the data set calls the pictures: COCO's image ids, VOC's names; `None`
            if nothing.

    Raises:
        ImportError: From `image` and `dataset`, if Pillow is not installed.
        TypeError: From the methods, if an argument is of the wrong kind.
        ValueError: If the lists differ in length, or there are no pictures.

    Example:
        >>> annotations = Annotations(
        ...     paths=["owl.jpg", "sky.jpg"],
        ...     boxes=[np.array([[8.0, 4, 40, 36]]), np.zeros((0, 4))],
        ...     labels=[np.array([0]), np.array([], int)],
        ...     crowd=[np.array([False]), np.array([], bool)],
        ...     sizes=[(48, 64), (48, 64)],
        ...     class_names=["owl"],
        ... )
        >>> print(annotations)
        2 pictures of 64x48 pixels, 1 without boxes
        1 box of 1 class; 0 to 1 per picture, median 0.5
          owl: 1 box in 1 picture
        Box sizes: 57.7, 57.7, 57.7, 57.7, 57.7 % of the side (least, quartiles, most)
        No problems

    Reference:
        [Everingham et al., 2010](https://doi.org/10.1007/s11263-009-0275-4); [Lin et
        al., 2014](https://arxiv.org/abs/1405.0312).
    """

    paths: list
    boxes: list
    labels: list
    crowd: list
    sizes: list
    class_names: list
    problems: dict = dataclasses.field(default_factory=dict)
    ids: list | None = None

    def __post_init__(self):
        lists = (self.paths, self.boxes, self.labels, self.crowd, self.sizes)
        counts = [len(each) for each in lists]
        if len(set(counts)) > 1 or not self.paths:
            raise ValueError(
                "`paths`, `boxes`, `labels`, `crowd` and `sizes` must have one entry "
                f"per picture, at least one. Received: {counts} entries."
            )
        for path, *of_picture in zip(*lists[:4], strict=True):
            counts = [len(each) for each in of_picture]
            if len(set(counts)) > 1:
                raise ValueError(
                    "`boxes`, `labels` and `crowd` must have as many entries for each "
                    f"picture. Received: {counts} for {path}."
                )

    def __len__(self):
        return len(self.paths)

    def __repr__(self):
        counts = (len(self), sum(map(len, self.boxes)), len(self.class_names))
        pictures, boxes, classes = map(many, counts, ("picture", "box", "class"))
        return f"Annotations({pictures}, {boxes}, {classes}; print it for a report)"

    def __str__(self):
        return report(self)

    def image(self, index):
        """Return a picture, upright, uint8 `(height, width, 3)`."""
        return read_picture(self.paths[index])

    def split(self, fraction, seed=0):
        """Return two `Annotations`; the second has `fraction` of the pictures.

        They are drawn without a look at their classes and stay in their order. Both
        keep `problems` of the whole.
        """
        check_number("fraction", fraction, 0, 1)
        check_integer("seed", seed)
        count = round(fraction * len(self))
        if not 0 < count < len(self):
            raise ValueError(
                f"`fraction` must leave a picture on both sides of {len(self)}. "
                f"Received: fraction={fraction}."
            )
        order = np.random.default_rng(seed).permutation(len(self))
        return self._only(sorted(order[count:])), self._only(sorted(order[:count]))

    def dataset(self, image_size, crowd=False):
        """Return a `tf.data.Dataset` of single pictures, squashed to one size.

        An element is `{"images", "bounding_boxes": {"boxes", "labels"}}`: uint8
        `(height, width, 3)`, float32 `(n, 4)`, edges in pixels of the squashed picture,
        and int32 `(n,)`; `n` is the most boxes of any picture, -1 fills the rest. Boxes
        in `crowd` are left out, or kept with `crowd=True` and a boolean `(n,)` beside
        them, `"crowd"`, for an evaluation.

        `image_size` is one integer, or height and width. Files are read anew in every
        epoch, several at a time, in their order: `.cache()` keeps them in memory, 0.3
        MB each at 320 pixels.
        """
        import tensorflow as tf

        size = height_and_width(image_size)
        kept = [every | True if crowd else ~every for every in self.crowd]
        most = max(1, max(int(each.sum()) for each in kept))
        types = (tf.uint8, tf.float32, tf.int32, tf.bool)

        def element(index):
            values = tf.numpy_function(
                lambda i: self._element(i, kept[i], size, most), [index], types
            )
            shapes = ((*size, 3), (most, 4), (most,), (most,))
            for value, shape in zip(values, shapes, strict=True):
                value.set_shape(shape)
            boxes = dict(zip(("boxes", "labels", "crowd"), values[1:], strict=True))
            if not crowd:
                del boxes["crowd"]
            return {"images": values[0], "bounding_boxes": boxes}

        return tf.data.Dataset.range(len(self)).map(
            element, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def _element(self, index, kept, size, most):
        """Return image, boxes, labels and crowd of a picture, filled up to `most`."""
        count = int(kept.sum())
        boxes = np.full((most, 4), -1, "float32")
        labels = np.full(most, -1, "int32")
        crowd = np.zeros(most, bool)
        scale = np.array(size[::-1]) / self.sizes[index][::-1]  # x, y
        boxes[:count] = self.boxes[index][kept] * np.tile(scale, 2)
        labels[:count] = self.labels[index][kept]
        crowd[:count] = self.crowd[index][kept]
        return read_picture(self.paths[index], size), boxes, labels, crowd

    def _only(self, indices):
        names = ("paths", "boxes", "labels", "crowd", "sizes", "ids")
        values = {name: getattr(self, name) for name in names}
        return dataclasses.replace(
            self, **{n: v and [v[i] for i in indices] for n, v in values.items()}
        )
