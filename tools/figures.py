"""How far apart two images of one figure are: another processor's rounding is no new figure."""

import math
from base64 import b64decode
from io import BytesIO

from PIL import Image, ImageChops

SAME = 8  # levels of 255: less is not seen; one pixel turned from white to black makes 4


def images(outputs):
    """Return the images among a cell's outputs, as the notebook keeps them."""
    return [out["data"]["image/png"] for out in outputs if "image/png" in out.get("data", {})]


def difference(one, other):
    """Return the largest mean difference of 8 x 8 pixels, in levels; infinite for other sizes."""
    one, other = (Image.open(BytesIO(b64decode(x))).convert("RGBA") for x in (one, other))
    if one.size != other.size:
        return math.inf
    apart = ImageChops.difference(one, other).reduce(8)
    return max(most for _, most in apart.getextrema())
