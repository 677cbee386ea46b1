"""How far apart two images of one figure are: another processor's rounding is no new figure.

An image is what a notebook keeps of it, text, or a file's bytes; it may be a film.
"""

import math
from base64 import b64decode
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageSequence

LOCK = Path(__file__).parent.with_name("requirements.lock").read_text(encoding="utf-8")
COMPARABLE = f"\nmatplotlib=={version('matplotlib')} " in LOCK  # others place the text elsewhere
SQUARE = 32  # pixels a side
SAME = 8  # levels of 255: as if 32 of a square's pixels had turned from white to black


def images(outputs):
    """Return the images among a cell's outputs, as the notebook keeps them."""
    return [out["data"]["image/png"] for out in outputs if "image/png" in out.get("data", {})]


def read(image):
    """Return an image's frames on white, one below the other."""
    image = Image.open(BytesIO(b64decode(image) if type(image) is str else image))
    frames = [frame.convert("RGBA") for frame in ImageSequence.Iterator(image)]
    white = Image.new("RGBA", (image.width, image.height * len(frames)), "white")
    for k, frame in enumerate(frames):
        white.alpha_composite(frame, (0, k * image.height))
    return white.convert("RGB")


def difference(one, other):
    """Return the largest mean difference of a square, in levels; infinite for other sizes."""
    one, other = read(one), read(other)
    if one.size != other.size:
        return math.inf
    apart = ImageChops.difference(one, other).reduce(SQUARE)  # alpha would be a weight
    return max(most for _, most in apart.getextrema())
