"""
Chunks that are scalars, or dicts of nothing but scalars. They are copied as they come, and written together as one list
when they are sent, which takes half as long as writing each.
"""

# The longest of them, and about as long are a scalar without a length and what is around a name, in characters.
MAX_SIZE = 16 * 1024
SCALAR, AROUND = 12, 4
# Every Python writes integers up to this.
MAX_INTEGER = 2**64


def flat_size(value):
    """About how long the JSON of a flat chunk is; 0 for any other, and for a long one."""
    if type(value) is not dict:
        return scalar_size(value)
    size = AROUND
    for key, item in value.items():
        if type(key) is not str:
            return 0
        item_size = scalar_size(item)
        if not item_size:
            return 0
        size += len(key) + item_size
    return size if size <= MAX_SIZE else 0


def scalar_size(value):
    """About how long a scalar is with what is around it; 0 for what is none, or cannot be said in JSON."""
    kind = type(value)
    if kind is str:
        size = len(value) + AROUND
        return size if size <= MAX_SIZE else 0
    if kind is int:
        return SCALAR if -MAX_INTEGER <= value <= MAX_INTEGER else 0
    if kind is float:
        # Not so are NaN and infinities.
        return SCALAR if value - value == 0.0 else 0
    return SCALAR if value is None or kind is bool else 0
