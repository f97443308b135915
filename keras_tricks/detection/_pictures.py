"""Pictures of any kind as upright RGB arrays."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_tricks._checks import check_integer

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
ORIENTATION = 0x0112  # EXIF's tag
# How pictures of EXIF's orientations 2 to 8 become upright, in Pillow's words.
UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def read_picture(path, size=None):
    """Return a picture upright, uint8 `(height, width, 3)`, its first frame only.

    With `size`, (height, width), it is squashed to that.
    """
    image_module = pillow()
    with image_module.open(path) as image:
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION))
        image = _eight_bits(image, image_module)
    if image.mode == "P":
        image = image.convert("RGBA")  # Pillow warns of a transparent palette otherwise
    image = image.convert("RGB")
    if turn:
        image = image.transpose(image_module.Transpose[turn])
    if size:
        image = image.resize(size[::-1], image_module.Resampling.BILINEAR)
    return np.asarray(image)


def height_and_width(image_size):
    """Return the two of one or two integers, checked."""
    pair = isinstance(image_size, (tuple, list)) and len(image_size) == 2
    sizes = tuple(image_size) if pair else (image_size, image_size)
    for size in sizes:
        check_integer("image_size", size, 1, hint="One integer, or height and width.")
    return sizes


def look_at_pictures(paths, decode):
    """Return `((height, width), orientation)` or the text of an error for each.

    The size is that of the stored pixels. `decode` reads all of them, which finds
    pictures that are cut off; otherwise the head of the file must do.
    """
    pillow()  # fails here rather than once per picture
    # Around the threads, not in them: the filters of warnings are global.
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # Pillow's, about odd metadata
        return list(pool.map(lambda path: _look(path, decode), paths))


def pillow():
    """Return the module `PIL.Image`."""
    try:
        import PIL.Image
    except ImportError as error:
        raise ImportError(
            "Reading pictures needs Pillow: pip install 'keras-tricks[detection]'."
        ) from error
    return PIL.Image


def _look(path, decode):
    try:
        with pillow().open(path) as image:
            if decode:
                image.load()
            size, orientation = (image.height, image.width), image.getexif()
            return size, orientation.get(ORIENTATION, 1)
    # Pillow's many readers raise what they like for a broken file.
    except Exception as error:
        # Not its own words: they repeat the path.
        return type(error).__name__ if path.exists() else "there is no such file"


def _eight_bits(image, image_module):
    """Return the picture with its 16 bits, if it has them, cut to 8."""
    if image.mode[0] != "I":
        image.load()
        return image
    pixels = np.asarray(image)
    if pixels.max() > 255:  # Pillow would make all above 255 white
        pixels = pixels // 256
    return image_module.fromarray(pixels.astype("uint8"))
