"""Budgets minute by minute from the Azure traces of language-model requests.

Published by Patel et al. ("Splitwise: Efficient Generative LLM Inference Using Phase
Splitting", ISCA 2024; CC BY 4.0) in the repository Azure/AzurePublicDataset,
``data/AzureLLMInferenceTrace_*.csv``: TIMESTAMP, ContextTokens, GeneratedTokens, about
an hour of each service. The trace does not say who asked; users are drawn.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import polars as pl

from stackelberg.edge.generators.city import BUDGET_SPREAD, Regime, Terms, budget_share
from stackelberg.edge.generators.draws import Concern, check_whole, factor, stream
from stackelberg.edge.market import Floats, Ints, Market
from stackelberg.errors import ConfigError, DomainError
from stackelberg.io.published import published_table
from stackelberg.io.tables import Cells

Path = str | os.PathLike[str]

TIME_FORMAT = "%Y-%m-%d %H:%M:%S%.f"

MAX_MINUTES = 100_000
"""Longest trace: two months; more is a mistake in a time."""


@dataclass(frozen=True, eq=False)
class RequestTrace:
    """Requests in the file's order.

    Attributes:
        minute: of each request, minutes of the clock since that of the first [R].
        tokens: asked for and generated together [R].
    """

    minute: Ints
    tokens: Floats

    @property
    def num_minutes(self) -> int:
        """T, minutes of the clock from the first request's to the last one's."""
        return int(self.minute.max()) + 1

    def requests_per_minute(self) -> Ints:
        """How many requests came in each minute [T]."""
        return np.bincount(self.minute)


def read_azure_trace(trace_csv: Path) -> RequestTrace:
    """Read the requests of a trace.

    Raises:
        ConfigError, DomainError: the file is missing or wrong; the message names
            column and row.
    """
    cells = published_table(
        trace_csv, ("TIMESTAMP", "ContextTokens", "GeneratedTokens"), "requests"
    )
    if not len(cells.frame):
        raise ConfigError(
            "content", expected="one request at least", got="none", source=cells.path
        )
    return RequestTrace(
        minute=_minutes(cells),
        tokens=cells.numbers("ContextTokens") + cells.numbers("GeneratedTokens"),
    )


def budgets_per_minute(
    trace: RequestTrace,
    market: Market,
    *,
    seed: int = 0,
    regime: Regime = "balanced",
    user_spread: float = BUDGET_SPREAD,
    floor: float = 0.01,
) -> Floats:
    """What each user of a market may spend in each minute of a trace.

    Each request is some user's, drawn with probabilities that are lognormal over the
    users. A user's budget in a minute is the tokens that it asks for then, and a floor
    that keeps it in the market when it asks for none. One factor turns tokens into
    money, so that the mean minute's budgets stand to the price of all capacity as the
    regime says; busy minutes have more.

    Args:
        trace: the requests.
        market: whose users ask, one resource type.
        seed: of who asks; a whole number >= 0.
        regime: as for `edge.generate`.
        user_spread: standard deviation of the logarithm of the probabilities.
        floor: of a budget, as a share of the mean budget; > 0.

    Returns:
        [T, N], for `edge.markets_over_time`.

    Raises:
        ConfigError, DomainError: an argument is of the wrong kind or out of range.
    """
    terms = Terms(seed=seed, regime=regime, budget_spread=user_spread)
    if not 0.0 < floor <= 1.0:
        raise DomainError("floor", expected="a number > 0, at most 1", got=floor)
    check_whole("number of users", market.num_users, 1)
    if len(market.resources) > 1:
        raise ConfigError(
            "market",
            expected="one resource type",
            got=f"{len(market.resources)} types",
        )
    odds = factor(seed, Concern.BUDGET, market.num_users, terms.budget_spread)
    user = stream(seed, Concern.REQUEST).choice(
        market.num_users, len(trace.minute), p=odds / odds.sum()
    )
    shape = (trace.num_minutes, market.num_users)
    tokens = np.zeros(shape)
    np.add.at(tokens, (trace.minute, user), trace.tokens)
    tokens += floor * max(tokens.mean(), 1.0)
    scale = budget_share(terms.regime, market.price, market.capacity)
    return tokens * (scale / tokens.sum(axis=1).mean())


def _minutes(cells: Cells) -> Ints:
    """Minutes of the clock since that of the earliest request."""
    texts = cells.frame["TIMESTAMP"].str.strip_chars()
    times = texts.str.to_datetime(TIME_FORMAT, strict=False, time_unit="us")
    wrong = times.is_null().arg_true()
    if len(wrong):
        row = int(wrong[0])
        wanted = "a time like 2023-11-16 18:17:03.9799600"
        raise cells.error(DomainError, "TIMESTAMP", row, wanted)
    whole = times.dt.truncate("1m")
    minute = (whole - whole.min()).dt.total_minutes().cast(pl.Int64).to_numpy()
    late = np.flatnonzero(minute >= MAX_MINUTES)
    if len(late):
        wanted = f"less than {MAX_MINUTES} minutes after the first request"
        raise cells.error(DomainError, "TIMESTAMP", int(late[0]), wanted)
    return minute
