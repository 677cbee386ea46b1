"""Whether two printed texts agree: numbers followed by ± within what they print, all else exactly.

A run that flips on another processor moves a measured number by less than its uncertainty. So
"38 of 40 = 0.95 ± 0.12" agrees with "39 of 40 = 0.97 ± 0.10", and not with "32 of 40 = 0.80 ±
0.15"; the uncertainty itself may change by a factor of two.
"""

import re

NUMBER = r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?"
MEASURED = re.compile(rf" *(?:({NUMBER}) of ({NUMBER}) = )?({NUMBER}) ± ({NUMBER})")


def values(found):
    """Return what one measured number says: count and trials (0 and 1 if none), value, width."""
    return [
        float((text or other).replace(",", "")) for text, other in zip(found, "01  ", strict=True)
    ]


def close(one, other):
    """Return whether two measured numbers agree within the smaller of their widths."""
    (count, trials, value, width), (count2, trials2, value2, width2) = map(values, (one, other))
    least = min(width, width2)
    return (
        trials == trials2
        and abs(value - value2) <= least
        and abs(count - count2) <= trials * least
        and max(width, width2) <= 2 * least
    )


def agree(one, other):
    """Return whether two texts agree; padding before a measured number counts for nothing."""
    same = MEASURED.sub("±", one) == MEASURED.sub("±", other)
    return same and all(map(close, MEASURED.findall(one), MEASURED.findall(other)))


def settled(new, stored):
    """Give outputs that agree with the stored ones their very text, as if nothing had changed."""
    for one, other in zip(new, stored, strict=False):
        for place, key in ((one, "text"), (one.get("data", {}), "text/plain")):
            known = (other if key == "text" else other.get("data", {})).get(key, "")
            if key in place and agree(place[key], known):
                place[key] = known
    return new
