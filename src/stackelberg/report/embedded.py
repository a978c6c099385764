"""Records as JSON inside a page."""

from __future__ import annotations

import json
import math


def embedded(value: object) -> str:
    """`value` as JSON that cannot end the script element that holds it."""
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(value: object) -> object:
    """`value` with null for what JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
