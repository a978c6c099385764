"""Spectrum game: scenarios per core-second, against SciPy, nashopt and the floor.

    ./run bench spectrum              print the table
    ./run bench spectrum --write      and put it into docs/benchmarks.md

Everything is timed in this one process, pinned to one core, as CPU seconds: the median
over repeats of a batch of 1,024 scenarios with 20 channels and 30 pairs, channels drawn
at random. Compilation and packing are timed apart. Ratios are of figures of this run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if hasattr(os, "sched_setaffinity"):
    # One core: before JAX counts them. The last one, away from the system's own work.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import jax
import numpy as np
from scipy.optimize import minimize

import stackelberg as sb
from stackelberg.spectrum.bilevel import solve_games
from stackelberg.spectrum.channel_game import ChannelGames, channel_games
from stackelberg.spectrum.fixed_bounds import utility_of_prices
from stackelberg.spectrum.leader_bound import prove_games
from stackelberg.spectrum.price_iteration import iterate_prices
from stackelberg.spectrum.solve import local_optima

NUM_SCENARIOS, NUM_CHANNELS, NUM_PAIRS = 1024, 20, 30
GAP = 1e-4
MAX_BOXES = 200_000
ROOT = Path(__file__).parent.parent
PAGE, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"


def cpu_seconds(task: Callable[[], Any], repeats: int) -> tuple[float, float, Any]:
    """Seconds of the first call, median CPU seconds of the later ones, last result."""
    start = time.process_time()
    result = task()
    first = time.process_time() - start
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        result = task()
        spent.append(time.process_time() - start)
    return first, statistics.median(spent), result


def iterate(batch: dict[int, ChannelGames]) -> int:
    """Run the price iteration on every channel; how many did not settle."""
    unsettled = 0
    for games in batch.values():
        price, power = np.empty(games.pairs.shape), np.empty(games.pairs.shape)
        sweeps = np.empty(len(games), dtype=np.int64)
        arrays: list[Any] = [
            getattr(games, name)
            for name in (
                "cellular_snr", "bs_gain", "noise", "coupling", "price_scale",
                "follower_price_weight", "leader_revenue_weight", "spend_scale",
                "min_power_w", "max_power_w", "min_price", "max_price", "fixed_bounds",
            )
        ]  # fmt: skip
        run: Any = iterate_prices
        run(*arrays, False, price, power, sweeps)
        unsettled += int((sweeps < 0).sum())
    return unsettled


def kernel_optima(batch: dict[int, ChannelGames]) -> dict[int, np.ndarray]:
    """Best of K + 3 Newton ascents on every channel, by the compiled kernel."""
    return {
        k: local_optima(games, games.min_power_w, games.max_power_w)
        for k, games in batch.items()
    }


def batch_optima(batch: dict[int, ChannelGames]) -> dict[int, Any]:
    """The same by the JAX batch."""
    return {
        k: solve_games(games, games.min_power_w, games.max_power_w)
        for k, games in batch.items()
    }


def single_level(games: ChannelGames, power: np.ndarray) -> np.ndarray:
    """The leader's objective F, in units of B, at the powers [n, K]."""
    heard = 1.0 + (games.bs_gain * power).sum(axis=1)
    s = games.noise + (games.coupling @ power[:, :, None])[:, :, 0]
    return games.follower_price_weight * np.log1p(games.cellular_snr / heard) + (
        games.leader_revenue_weight * (power / (power + s)).sum(axis=1)
    )


def certified(batch: dict[int, ChannelGames]) -> dict[int, Any]:
    """Local optima, then branch and bound to `GAP` on every channel."""
    found = kernel_optima(batch)
    return {
        k: prove_games(games, games.price_scale, found[k], GAP, MAX_BOXES)
        for k, games in batch.items()
    }


def scipy_same_starts(games: ChannelGames, row: int) -> float:
    """L-BFGS-B on the same objective from the same starts, gradient given."""
    k = games.num_pairs
    a, rate_weight, revenue_weight = (
        games.cellular_snr[row],
        games.follower_price_weight[row],
        games.leader_revenue_weight[row],
    )
    bs, noise, coupling = games.bs_gain[row], games.noise[row], games.coupling[row]

    def negative(y: np.ndarray) -> tuple[float, np.ndarray]:
        p = np.exp(y)
        heard, s = 1.0 + bs @ p, noise + coupling @ p
        r = p / (p + s)
        rho = r * (1.0 - r)
        slope = (
            -rate_weight * a / (heard * (heard + a)) * bs * p
            + revenue_weight * rho
            - revenue_weight * ((rho / s) @ coupling) * p
        )
        rate = rate_weight * np.log1p(a / heard)
        return -(rate + revenue_weight * r.sum()), -slope

    low, high = np.log(games.min_power_w[row]), np.log(games.max_power_w[row])
    weights = [np.zeros(k), np.ones(k), np.full(k, 0.5)]
    weights += list(np.eye(k)) if k > 1 else []
    return max(
        -minimize(
            negative,
            low + w * (high - low),
            jac=True,
            method="L-BFGS-B",
            bounds=[(low, high)] * k,
        ).fun
        for w in weights
    )


def scipy_scenarios_per_second(
    batch: dict[int, ChannelGames], found: dict[int, Any], scenarios: int
) -> tuple[float, float]:
    """Scenarios per core-second of SciPy on the first few, and its worst shortfall."""
    worst, start = 0.0, time.process_time()
    for k, games in batch.items():
        for row in np.flatnonzero(games.scenario_index < scenarios):
            reached = scipy_same_starts(games, int(row))
            worst = max(worst, 1.0 - reached / found[k].value[row])
    return scenarios / (time.process_time() - start), worst


def one_channel(num_pairs: int) -> ChannelGames:
    scenario = sb.spectrum.generate(
        seed=8, num_channels=1, num_pairs=num_pairs, channel=[0] * num_pairs
    )
    return channel_games([scenario], [scenario.channel])[num_pairs]  # type: ignore


def nashopt_on(games: ChannelGames) -> tuple[float, float] | None:
    """CPU seconds and leader utility (units of B) of nashopt, best of three starts.

    Powers are scaled by the greatest power; the parameters are log prices on the widest
    interval that the interference bounds can reach. Utility is evaluated by us at the
    followers' equilibrium for the prices it returns. None where it is not installed.
    """
    try:
        from nashopt import ParametricGNEP  # type: ignore
    except ImportError:
        return None
    import jax.numpy as jnp

    k, high, low = games.num_pairs, games.max_power_w[0], games.min_power_w[0]
    noise, coupling = games.noise[0] / high, games.coupling[0]
    bs = games.bs_gain[0] * high
    a, rate_weight, revenue_weight = (
        games.cellular_snr[0],
        games.follower_price_weight[0],
        games.leader_revenue_weight[0],
    )
    loudest = noise + coupling @ np.ones(k)
    least, most = np.log(1.0 / (1.0 + loudest)), np.log(1.0 / (low / high + noise))

    def follower(j: int) -> Callable[[Any, Any], Any]:
        def cost(x: Any, log_price: Any) -> Any:
            s = noise[j] + coupling[j] @ x
            return -(jnp.log1p(x[j] / s) - jnp.exp(log_price[j]) * x[j])

        return cost

    def leader(x: Any, log_price: Any) -> Any:
        rate = rate_weight * jnp.log1p(a / (1.0 + bs @ x))
        return -(rate + revenue_weight * (jnp.exp(log_price) @ x))

    with jax.enable_x64(True):
        game = ParametricGNEP(
            [1] * k,
            [follower(j) for j in range(k)],
            lb=np.full(k, low / high),
            ub=np.ones(k),
            npar=k,
        )
        start = time.process_time()
        best = -np.inf
        for share in (0.1, 0.5, 0.9):
            found = game.solve(
                J=leader,
                pmin=least,
                pmax=most,
                p0=least + share * (most - least),
                x0=np.full(k, 0.5),
                verbose=False,
            )
            price = np.exp(np.asarray(found.p)) / high
            power = np.empty(k)
            best = max(best, utility_of_prices(price, games.game(0), power))
        return time.process_time() - start, float(best)


def unit_costs() -> dict[str, float]:
    """Seconds per copied byte and per vectorised exp, log and division."""
    block = np.random.default_rng(0).uniform(0.5, 2.0, 4096)
    out, large = np.empty_like(block), np.empty(16_000_000)
    source = np.ones_like(large)

    def per_item(task: Callable[[], Any], items: int, repeats: int) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            for _ in range(repeats):
                task()
            times.append((time.process_time() - start) / repeats / items)
        return statistics.median(times)

    return {
        "byte": per_item(lambda: np.copyto(large, source), 2 * large.nbytes, 3),
        "exp": per_item(lambda: np.exp(block, out=out), block.size, 200),
        "log": per_item(lambda: np.log(block, out=out), block.size, 200),
        "divide": per_item(lambda: np.divide(1.0, block, out=out), block.size, 200),
    }


def floors(
    batch: dict[int, ChannelGames], found: dict[int, Any], cost: dict[str, float]
) -> dict[str, float]:
    """Least core-seconds per scenario: each input byte once, each exp, log, division.

    Price iteration: two sweeps (one to move, one to see that nothing moves), per price
    three divisions and a square root counted as one. Newton: the evaluations made, each
    K exps, one log, 3K + 2 divisions and K(K-1) for the shares.
    """
    inputs = sum(
        value.nbytes
        for games in batch.values()
        for name, value in vars(games).items()
        if name not in ("scenario_index", "channel", "pairs")
    )
    reading = inputs * cost["byte"]
    prices = sum(games.pairs.size for games in batch.values())
    newton = sum(
        found[k].iterations.sum()
        * (k * cost["exp"] + cost["log"] + (3 * k + 2 + k * (k - 1)) * cost["divide"])
        for k in batch
    )
    return {
        "iterated": (reading + 2 * prices * 4 * cost["divide"]) / NUM_SCENARIOS,
        "bilevel": (reading + newton) / NUM_SCENARIOS,
        "bytes": inputs / NUM_SCENARIOS,
    }


def by_size(limits: tuple[tuple[int, float], ...], channels: int) -> list[dict]:
    """Certification of crowded channels: seconds and boxes by number of pairs."""
    rows = []
    for k, gap in limits:
        seconds, boxes, gaps = [], [], []
        for seed in range(channels):
            scenario = sb.spectrum.generate(
                seed=seed, num_channels=1, num_pairs=k, channel=[0] * k
            )
            games = channel_games([scenario], [scenario.channel])[k]  # type: ignore
            power = local_optima(games, games.min_power_w, games.max_power_w)
            start = time.process_time()
            proof = prove_games(games, games.price_scale, power, gap, MAX_BOXES)
            seconds.append(time.process_time() - start)
            boxes.append(int(proof.boxes[0]))
            gaps.append(float(proof.upper_bound[0] / proof.utility[0] - 1.0))
        rows.append(
            {
                "pairs": k,
                "asked": gap,
                "channels": channels,
                "closed": float(np.mean(np.array(gaps) <= gap)),
                "worst_gap": max(gaps),
                "median_boxes": float(np.median(boxes)),
                "p95_boxes": float(np.percentile(boxes, 95)),
                "median_ms": 1e3 * float(np.median(seconds)),
                "max_ms": 1e3 * max(seconds),
            }
        )
    return rows


def measure(repeats: int, channels: int) -> dict[str, Any]:
    for seed in range(3):  # compile and load what packing needs
        channel_games(
            [scenario := sb.spectrum.generate(seed=seed, channel="random")],
            [scenario.channel],  # type: ignore
        )
    start = time.process_time()
    scenarios = [
        sb.spectrum.generate(
            seed=seed,
            num_channels=NUM_CHANNELS,
            num_pairs=NUM_PAIRS,
            channel="random",
        )
        for seed in range(NUM_SCENARIOS)
    ]
    generating = time.process_time() - start
    start = time.process_time()
    batch = channel_games(scenarios, [s.channel for s in scenarios])  # type: ignore
    packing = time.process_time() - start
    results: dict[str, Any] = {
        "machine": f"{processor()}, one core, Python {platform.python_version()}, "
        f"jax {jax.__version__}",
        "generate_per_second": NUM_SCENARIOS / generating,
        "pack_per_second": NUM_SCENARIOS / packing,
        "channels_by_pairs": {k: len(games) for k, games in batch.items()},
    }
    first, seconds, unsettled = cpu_seconds(lambda: iterate(batch), repeats)
    results["iterated"] = {
        "per_second": NUM_SCENARIOS / seconds,
        "first_call_s": first,
        "unsettled_channels": unsettled,
    }
    first, seconds, powers = cpu_seconds(lambda: kernel_optima(batch), repeats)
    results["bilevel"] = {"per_second": NUM_SCENARIOS / seconds, "first_call_s": first}
    first, seconds, found = cpu_seconds(lambda: batch_optima(batch), repeats)
    results["bilevel_jax"] = {
        "per_second": NUM_SCENARIOS / seconds,
        "first_call_s": first,
        "worst_difference": max(
            float(
                np.abs(
                    single_level(batch[k], powers[k])
                    / single_level(batch[k], f.power_w)
                    - 1.0
                ).max()
            )
            for k, f in found.items()
        ),
        "iterations_per_start": sum(f.iterations.sum() for f in found.values())
        / sum(len(g) * (k + 3 if k > 1 else 3) for k, g in batch.items()),
    }
    first, seconds, proofs = cpu_seconds(lambda: certified(batch), max(3, repeats // 2))
    gap = max(float((p.upper_bound / p.utility - 1.0).max()) for p in proofs.values())
    missed = sum(
        int(
            (proofs[k].utility > found[k].value * batch[k].spend_scale * 1.000001).sum()
        )
        for k in batch
    )
    results["certified"] = {
        "per_second": NUM_SCENARIOS / seconds,
        "first_call_s": first,
        "worst_gap": gap,
        "boxes_per_scenario": sum(int(p.boxes.sum()) for p in proofs.values())
        / NUM_SCENARIOS,
        "local_search_missed": missed,
    }
    rate, worst = scipy_scenarios_per_second(batch, found, scenarios=24)
    results["scipy"] = {"per_second": rate, "worst_shortfall": worst}
    cost = unit_costs()
    floor = floors(batch, found, cost)
    results["floor"] = {
        "bytes_per_scenario": floor["bytes"],
        "copy_gb_per_s": 1e-9 / cost["byte"],
        "iterated_per_second": 1.0 / floor["iterated"],
        "bilevel_per_second": 1.0 / floor["bilevel"],
    }
    games = one_channel(8)
    _, ours, local = cpu_seconds(
        lambda: local_optima(games, games.min_power_w, games.max_power_w), 20
    )
    _, proving, proof = cpu_seconds(
        lambda: prove_games(games, games.price_scale, local, GAP, MAX_BOXES), 20
    )
    results["eight_followers"] = {
        "ours_s": ours + proving,
        "ours_utility": float(proof.utility[0] / games.spend_scale[0]),
        "ours_bound": float(proof.upper_bound[0] / games.spend_scale[0]),
    }
    theirs = nashopt_on(games)
    if theirs is not None:
        seconds, utility = theirs
        results["eight_followers"] |= {
            "nashopt_s": seconds,
            "nashopt_utility": utility,
        }
    results["sizes"] = by_size(
        ((2, 1e-4), (4, 1e-4), (6, 1e-4), (8, 1e-4), (10, 1e-4), (12, 1e-4),
         (14, 1e-3), (16, 1e-3), (20, 1e-3), (30, 1e-2)),
        channels,
    )  # fmt: skip
    return results


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        return re.findall(r"model name\s*: (.*)", text)[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def page(r: dict[str, Any]) -> str:
    """The figures as Markdown."""
    scipy, floor, eight = r["scipy"]["per_second"], r["floor"], r["eight_followers"]
    lines = [
        f"Machine: {r['machine']}. Batch of {NUM_SCENARIOS:,} scenarios "
        f"({NUM_CHANNELS} channels, {NUM_PAIRS} pairs, channels at random), "
        "CPU seconds, medians; compilation apart.",
        "",
        "| | scenarios per core-second | against SciPy, same starts | floor, of it "
        "reached | first call, s |",
        "|---|---|---|---|---|",
    ]
    for name, label in (
        ("iterated", "`iterated`"),
        ("bilevel", "`bilevel`, K + 3 starts, compiled kernel"),
        ("bilevel_jax", "`bilevel`, K + 3 starts, JAX batch"),
        ("certified", "`bilevel`, every channel certified to 1e-4"),
    ):
        rate = r[name]["per_second"]
        versus = f"{rate / scipy:,.0f}x" if name != "iterated" else ""
        bound = floor.get(f"{name.removesuffix('_jax')}_per_second")
        share = f"{bound:,.0f}, {100 * rate / bound:.0f} %" if bound else ""
        lines.append(
            f"| {label} | {rate:,.0f} | {versus} | {share} "
            f"| {r[name]['first_call_s']:.1f} |"
        )
    lines += [
        f"| SciPy L-BFGS-B, K + 3 starts, gradient given | {scipy:,.1f} | 1x | | |",
        "",
        f"Generating runs at {r['generate_per_second']:,.0f} scenarios per "
        f"core-second, packing into batches at {r['pack_per_second']:,.0f}. "
        f"Certified: worst gap {r['certified']['worst_gap']:.2g}, "
        f"{r['certified']['boxes_per_scenario']:.0f} boxes a scenario; "
        "branch and bound improved "
        f"{r['certified']['local_search_missed']} local optima by more than 1e-6. "
        "The kernel and the JAX batch agree to "
        f"{r['bilevel_jax']['worst_difference']:.1g}; one JAX ascent takes "
        f"{r['bilevel_jax']['iterations_per_start']:.1f} evaluations. "
        f"Price iteration: {r['iterated']['unsettled_channels']} channels did not "
        "settle. The floor counts each input byte once at the copy speed of this core "
        f"({floor['copy_gb_per_s']:.1f} GB/s; {floor['bytes_per_scenario']:,.0f} bytes "
        "a scenario) and every exp, log and division at the speed of a vector loop in "
        "cache; `iterated` is bound by the latency of its chain of divisions, one pair "
        "after the other.",
        "",
        "One channel with eight followers, price and certificate:",
        "",
        "| | CPU seconds | leader utility, units of B |",
        "|---|---|---|",
        f"| this library | {eight['ours_s']:.2g} | {eight['ours_utility']:.4f} "
        f"(proved <= {eight['ours_bound']:.4f}) |",
    ]
    if "nashopt_s" in eight:
        lines.append(
            f"| nashopt, best of three starts | {eight['nashopt_s']:.2g} "
            f"| {eight['nashopt_utility']:.4f} |"
        )
    lines += [
        "",
        "Crowded channels, certified one at a time after compilation "
        f"(at most {MAX_BOXES:,} boxes):",
        "",
        "| pairs on the channel | gap asked | channels | closed | worst gap "
        "| boxes, median / 95 % | ms, median / max |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in r["sizes"]:
        lines.append(
            f"| {row['pairs']} | {row['asked']:.0e} | {row['channels']} "
            f"| {100 * row['closed']:.0f} % | {row['worst_gap']:.1e} "
            f"| {row['median_boxes']:,.0f} / {row['p95_boxes']:,.0f} "
            f"| {row['median_ms']:.2g} / {row['max_ms']:.3g} |"
        )
    return "\n".join(lines) + "\n"


def summary(r: dict[str, Any]) -> str:
    """The figures that the README shows."""
    scipy, eight = r["scipy"]["per_second"], r["eight_followers"]
    twelve = next(row for row in r["sizes"] if row["pairs"] == 12)
    lines = [
        "| task | this library | instead |",
        "|---|---|---|",
        "| local optimum of a cell (20 channels, 30 pairs) "
        f"| {r['bilevel']['per_second']:,.0f} a second "
        f"| SciPy, same starts and gradient: {scipy:,.0f} |",
        "| the same, every channel certified to 1e-4 "
        f"| {r['certified']['per_second']:,.0f} a second | no peer certifies |",
        f"| price iteration | {r['iterated']['per_second']:,.0f} a second | |",
        "| one channel with 12 pairs certified to 1e-4 "
        f"| {twelve['median_ms']:.2g} ms median, {twelve['max_ms']:.3g} ms worst of "
        f"{twelve['channels']} | |",
    ]
    if "nashopt_s" in eight:
        lines.append(
            "| one channel with 8 followers "
            f"| {1e3 * eight['ours_s']:.2g} ms, utility {eight['ours_utility']:.3f}, "
            f"proved | nashopt: {eight['nashopt_s']:.2g} s, "
            f"{eight['nashopt_utility']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def between(file: Path, mark: str, text: str) -> None:
    """Replace what stands between the marks of `file`."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->\n"
    before, rest = file.read_text().split(begin)
    file.write_text(before + begin + text + end + rest.split(end)[1])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the docs page")
    parser.add_argument("--json", type=Path, help="also write the raw numbers here")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--channels", type=int, default=60, help="per crowded size")
    options = parser.parse_args(arguments)
    results = measure(options.repeats, options.channels)
    text = page(results)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.write:
        between(README, "speed", summary(results))
        between(PAGE, "spectrum", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
