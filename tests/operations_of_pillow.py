"""The operations of RandAugment as Pillow computes them, to compare the layers with."""

import numpy as np
from PIL import Image, ImageEnhance, ImageOps


def apply(image, name, argument=0, fill=0):
    """Return one operation of Pillow on an image `(height, width, channels)`."""
    picture = Image.fromarray(image if image.shape[2] == 3 else image[..., 0])
    fill = tuple(int(v) for v in np.broadcast_to(fill, image.shape[2:]))
    fill = fill if len(fill) == 3 else fill[0]
    return np.asarray(_changed(picture, name, argument, fill)).reshape(image.shape)


def _changed(picture, name, argument, fill):
    if name == "Identity":
        return picture
    if name == "Rotate":
        return picture.rotate(argument, fillcolor=fill)
    if name in ("Brightness", "Color", "Contrast", "Sharpness"):
        return getattr(ImageEnhance, name)(picture).enhance(argument)
    if name == "Posterize":
        return ImageOps.posterize(picture, argument)
    if name == "Solarize":
        return ImageOps.solarize(picture, argument)
    if name == "SolarizeAdd":
        levels = [min(255, i + argument) if i < 128 else i for i in range(256)]
        return picture.point(levels * len(picture.getbands()))
    if name in ("AutoContrast", "Equalize", "Invert"):
        return getattr(ImageOps, name.lower())(picture)
    matrix = {
        "ShearX": (1, argument, 0, 0, 1, 0),
        "ShearY": (1, 0, 0, argument, 1, 0),
        "TranslateX": (1, 0, argument, 0, 1, 0),
        "TranslateY": (1, 0, 0, 0, 1, argument),
    }[name]
    return picture.transform(picture.size, Image.AFFINE, matrix, fillcolor=fill)
