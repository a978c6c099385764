"""The D2D environment link by link and packet by packet, in plain Python loops.

Slow and obvious: one function per sentence of `docs/environment.md`.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

MASK = 2**32 - 1
GOLDEN = 0x9E3779B9
INNER_M = 35.0
(
    CELLULAR_PLACE, PAIR_PLACE, CELLULAR_MOTION, PAIR_MOTION, BS_SHADOW, DEVICE_SHADOW,
    SIGHT, CELLULAR_TO_BS, D2D_TO_BS, CELLULAR_TO_D2D, D2D_TO_D2D, FIRST_CHANNEL,
    ARRIVAL, REPORT_ERROR,
) = range(14)  # fmt: skip

Key = tuple[int, ...]
Point = tuple[float, ...]


def mixed(counter: int, first: int, second: int) -> int:
    """`lowbias32` with half a key before it and half between its rounds."""
    x = (counter + first) & MASK
    x ^= x >> 16
    x = (x * 0x7FEB352D + second) & MASK
    x ^= x >> 15
    x = (x * 0x846CA68B) & MASK
    return x ^ (x >> 16)


def key_of(seed: Key, *parts: int) -> Key:
    """The key of a stream."""
    first, second = seed
    for part in parts:
        part &= MASK
        first, second = (
            mixed(part, first, second),
            mixed(part ^ GOLDEN, second, first),
        )
    return first, second


def bits(key: Key, counter: int) -> int:
    """32 bits."""
    return mixed(counter & MASK, *key)


def uniform(word: int) -> float:
    """The middle of one of 2^23 intervals."""
    return ((word >> 9) + 0.5) / 2**23


def exponential(word: int) -> float:
    """Mean 1."""
    return -math.log(uniform(word))


def normal(word: int) -> float:
    """Standard normal."""
    return NormalDist().inv_cdf(uniform(word))


def rayleigh(seed: Key, stream: int, slot: int, link: int) -> float:
    """Fading power, independent over slots."""
    return exponential(bits(key_of(seed, stream, slot), link))


def jakes(
    seed: Key, stream: int, slot: int, link: int, doppler_hz: float, slot_s: float
) -> float:
    """Fading power of a sum of 8 waves, phases in floating point."""
    key = key_of(seed, stream)
    own = bits(key, link)
    real = imaginary = 0.0
    for wave in range(8):
        offset = (own + wave * GOLDEN) & MASK
        amplitude = math.sqrt(exponential(bits((key[1], key[0]), offset)))
        phase = bits((key[1], key[0]), offset ^ 0x55555555) / 2**32
        direction = math.pi * (wave + uniform(own)) / 8
        turns = phase + slot * doppler_hz * slot_s * math.cos(direction)
        real += amplitude * math.cos(2 * math.pi * turns)
        imaginary += amplitude * math.sin(2 * math.pi * turns)
    return (real**2 + imaginary**2) / 8


def on_ring(one: float, other: float, radius_m: float) -> Point:
    """Uniform over the ring from 35 m to the edge."""
    r = math.sqrt(INNER_M**2 + (radius_m**2 - INNER_M**2) * one)
    return r * math.cos(2 * math.pi * other), r * math.sin(2 * math.pi * other)


def first_places(
    seed: Key, m: int, n: int, radius_m: float, apart_m: tuple[float, float]
) -> tuple[list[Point], list[Point]]:
    """Walkers and receivers."""
    key = key_of(seed, CELLULAR_PLACE, 0)
    walker = [
        on_ring(uniform(bits(key, 2 * i)), uniform(bits(key, 2 * i + 1)), radius_m)
        for i in range(m)
    ]
    receiver: list[Point] = []
    key = key_of(seed, PAIR_PLACE, 0)
    for j in range(n):
        u = [uniform(bits(key, 4 * j + k)) for k in range(4)]
        x, y = on_ring(u[0], u[1], radius_m)
        walker.append((x, y))
        d = apart_m[0] + (apart_m[1] - apart_m[0]) * u[2]
        angle = 2 * math.pi * u[3]
        receiver.append((x + d * math.cos(angle), y + d * math.sin(angle)))
    return walker, receiver


def waves(key: Key, count: int, turn: float, step: int, decorrelation_m: float) -> Any:
    """(wave number x, y in rad/m, phase in rad) of each wave."""
    base = 3 * count * step
    turned = bits(key, base + 1) % count
    found: list[tuple[float, float, float]] = []
    for index in range(count):
        stratum = (step * index + turned) % count
        beyond = (stratum + uniform(bits(key, base + 3 * index))) / count
        k = math.sqrt(beyond**-2 - 1) / decorrelation_m
        direction = uniform(bits(key, base + 4)) + turn * index % 1.0
        phase = 2 * math.pi * uniform(bits(key, base + 3 * index + 2))
        angle = 2 * math.pi * direction
        found.append((k * math.cos(angle), k * math.sin(angle), phase))
    return found


def amplitude(key: Key, index: int) -> float:
    """Rayleigh amplitude of a wave."""
    return math.sqrt(2 * exponential(bits(key, 2**20 + index)))


def bs_shadow(seed: Key, at: Point, decorrelation_m: float, count: int) -> float:
    """A random field over the plane."""
    key = key_of(seed, BS_SHADOW)
    field = waves(key, count, 0.6180339887498949, 1, decorrelation_m)
    total = sum(
        amplitude(key, q) * math.cos(kx * at[0] + ky * at[1] + phase)
        for q, (kx, ky, phase) in enumerate(field)
    )
    return total / math.sqrt(count)


def device_shadow(
    seed: Key, here: Point, there: Point, decorrelation_m: float, count: int, step: int
) -> float:
    """A random field over both ends of a link, made symmetric."""
    key = key_of(seed, DEVICE_SHADOW)
    one = waves(key, count, 0.6180339887498949, 1, decorrelation_m)
    other = waves(key, count, 0.4142135623730951, step, decorrelation_m)

    def psi(a: Point, b: Point) -> float:
        total = 0.0
        for q in range(count):
            ax, ay, p = one[q]
            bx, by, r = other[q]
            angle = ax * a[0] + ay * a[1] + p + bx * b[0] + by * b[1] + r
            total += amplitude(key, q) * math.cos(angle)
        return total / math.sqrt(count)

    own = math.exp(-2 * math.dist(here, there) / decorrelation_m)
    return (psi(here, there) + psi(there, here)) / math.sqrt(2 * (1 + own))


def gain_to_bs(seed: Key, at: Point, std_db: float, count: int) -> float:
    """128.1 + 37.6 log10 d[km] and shadowing decorrelating over 50 m."""
    d = max(math.hypot(*at), 35.0)
    loss = 128.1 + 37.6 * math.log10(d / 1e3)
    return 10 ** (-(loss + std_db * bs_shadow(seed, at, 50.0, count)) / 10)


def gain_between(
    seed: Key, here: Point, there: Point, std_db: float, count: int, step: int
) -> float:
    """148 + 40 log10 d[km] and shadowing decorrelating over 10 m."""
    d = max(math.dist(here, there), 3.0)
    loss = 148.0 + 40.0 * math.log10(d / 1e3)
    shadow = device_shadow(seed, here, there, 10.0, count, step)
    return 10 ** (-(loss + std_db * shadow) / 10)


def walk(
    walker: list[Point],
    legs: list[tuple[Point, float]],
    new_legs: list[tuple[Point, float]],
    frame_s: float,
) -> tuple[list[Point], list[tuple[Point, float]]]:
    """One frame of random waypoints."""
    after: list[Point] = []
    kept: list[tuple[Point, float]] = []
    for at, (goal, speed), new in zip(walker, legs, new_legs, strict=True):
        d = math.dist(at, goal)
        if speed * frame_s >= d:
            after.append(goal)
            kept.append(new)
        else:
            share = speed * frame_s / d
            after.append(
                (at[0] + share * (goal[0] - at[0]), at[1] + share * (goal[1] - at[1]))
            )
            kept.append((goal, speed))
    return after, kept


def legs_of(
    seed: Key, frame: int, m: int, n: int, radius_m: float, speeds: tuple[float, float]
) -> list[tuple[Point, float]]:
    """Waypoint and speed that each walker would take in a frame."""
    found: list[tuple[Point, float]] = []
    for stream, count in ((CELLULAR_MOTION, m), (PAIR_MOTION, n)):
        key = key_of(seed, stream, frame)
        for i in range(count):
            u = [uniform(bits(key, 3 * i + k)) for k in range(3)]
            speed = speeds[0] + (speeds[1] - speeds[0]) * u[2]
            found.append((on_ring(u[0], u[1], radius_m), speed))
    return found


def drift(
    walker: list[Point],
    velocity: list[Point],
    seed: Key,
    frame: int,
    m: int,
    radius_m: float,
    speed: float,
    memory_s: float,
    frame_s: float,
) -> tuple[list[Point], list[Point]]:
    """One frame of Gauss-Markov, mirrored at the edges."""
    kept = math.exp(-frame_s / memory_s)
    places: list[Point] = []
    after: list[Point] = []
    for i, (at, v) in enumerate(zip(walker, velocity, strict=True)):
        stream, index = (CELLULAR_MOTION, i) if i < m else (PAIR_MOTION, i - m)
        key = key_of(seed, stream, frame)
        fresh = speed * math.sqrt(1 - kept**2)
        vx = kept * v[0] + fresh * normal(bits(key, 2 * index))
        vy = kept * v[1] + fresh * normal(bits(key, 2 * index + 1))
        x, y = at[0] + vx * frame_s, at[1] + vy * frame_s
        r = math.hypot(x, y)
        if r > radius_m or r < INNER_M:
            edge = radius_m if r > radius_m else INNER_M
            ux, uy = x / r, y / r
            along = vx * ux + vy * uy
            vx, vy = vx - 2 * along * ux, vy - 2 * along * uy
            r = min(max(2 * edge - r, INNER_M), radius_m)
            x, y = r * ux, r * uy
        places.append((x, y))
        after.append((vx, vy))
    return places, after


def play(cell: dict[str, Any], gains: dict[str, Any], action: dict[str, Any]) -> Any:
    """Rates, payments and utilities of one slot, summed interferer by interferer.

    `gains` holds what is true in this slot, per channel, and what is billed.
    """
    m, n = len(gains["cellular_to_bs"]), len(action["channel"])
    channel, power, price = action["channel"], action["power"], action["price"]
    noise, width = cell["noise"], cell["bandwidth"]
    spend = width / (math.log(2) * cell["follower_weight"])
    rate, paid, heard, highest = [], [], [], []
    for j in range(n):
        i = channel[j]
        total = cell["cellular_power"] * gains["cellular_to_d2d"][i][j]
        for k in range(n):
            if k != j and channel[k] == i:
                total += power[k] * gains["d2d_to_d2d"][i][k][j]
        heard.append(total)
        signal = power[j] * gains["d2d"][i][j]
        rate.append(width * math.log2(1 + signal / (total + noise)))
        billed = gains["billed"][i][j]
        unit = price[j] * billed
        s = (total + noise) / gains["d2d"][i][j]
        highest.append(spend / (cell["min_power"] + s) / billed)
        if cell["interference_bounds"]:
            unit = min(unit, spend / (cell["min_power"] + s))
        paid.append(unit * power[j])
    cellular = []
    for i in range(m):
        total = noise
        for j in range(n):
            if channel[j] == i:
                total += power[j] * gains["d2d_to_bs"][i][j]
        received = cell["cellular_power"] * gains["cellular_to_bs"][i]
        cellular.append(width * math.log2(1 + received / total))
    return {
        "d2d_rate": rate,
        "payment": paid,
        "highest_price": highest,
        "heard": heard,
        "cellular_rate": cellular,
        "leader": sum(cellular) + cell["leader_weight"] * sum(paid),
        "follower": [
            r - cell["follower_weight"] * p for r, p in zip(rate, paid, strict=True)
        ],
    }


def serve(queue: list[list[float]], room: float, deadline: int) -> Any:
    """Send the oldest packets of one queue first.

    Args:
        queue: [age, bits] of each packet, oldest first.
        room: bits that can be sent.
        deadline: a packet that gets this old is lost.

    Returns:
        The queue one slot later, bits sent, bits lost.
    """
    sent = lost = 0.0
    left: list[list[float]] = []
    for age, size in queue:
        part = min(size, room)
        room -= part
        sent += part
        if age + 1 >= deadline:
            lost += size - part
        elif size > part:
            left.append([age + 1, size - part])
    return left, sent, lost
