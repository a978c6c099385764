"""A round of attention, token by token, in plain NumPy and double precision."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def attention_round(
    tokens: npt.ArrayLike,
    partners: np.ndarray,
    ask_weight: np.ndarray,
    ask_bias: np.ndarray,
    layers: list[tuple[np.ndarray, np.ndarray]],
) -> Floats:
    rows = np.asarray(tokens, np.float64)
    n, h = rows.shape
    asked = rows @ ask_weight.astype(np.float64) + ask_bias
    out = np.zeros_like(rows)
    for i in range(n):
        heard, total = np.zeros(h), 0.0
        for j in range(n):
            if i == j or partners[i, j]:
                score = float(asked[i, :h] @ asked[j, h : 2 * h]) / math.sqrt(h)
                heard += math.exp(score) * asked[j, 2 * h :]
                total += math.exp(score)
        both = np.concatenate([rows[i], heard / total])
        (first, first_bias), (second, second_bias) = layers
        hidden = both @ first.astype(np.float64) + first_bias
        hidden = hidden / (1.0 + np.exp(-hidden))
        out[i] = rows[i] + hidden @ second.astype(np.float64) + second_bias
    return out
