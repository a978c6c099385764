"""A plain PyTorch MADDPG loop: called by benchmarks/maddpg_torch.py.

One leader, one network shared by all followers, a centralised critic that is a deep set
over physical sums; sizes, features and losses are those of `stackelberg.learning`.
Batches are axes of tensors, transitions lie in one matrix, optimisers are fused, slow
copies move by one `lerp` of all tensors. Shape legend: B batch, N pairs, M channels.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional as F  # pyright: ignore[reportMissingImports]

from stackelberg import envs
from stackelberg.envs.bills import TYPICAL_NOISE
from stackelberg.learning.heads import POWER_REACH, PRICE_REACH, price_of_answer
from stackelberg.learning.objectives import follower_unit, utility_unit
from stackelberg.learning.transitions import Moment, follower_features, moment

Tensor = Any
PRICED = 7
"""The follower's feature that its price decides: what it would pay for over its s."""


def decades(ratio: Tensor) -> Tensor:
    return 0.25 * torch.log10(ratio.clamp(min=1e-6))


def bent(value: Tensor, reach: float) -> Tensor:
    return value / torch.sqrt(1.0 + (value / reach) ** 2)


def layers(*sizes: int) -> Any:
    """Linear layers with `silu` between them."""
    linear = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    between = [part for one in linear for part in (one, nn.SiLU())]
    return nn.Sequential(*between[:-1])


class Leader(nn.Module):  # pyright: ignore[reportUntypedBaseClass]
    """Attention among the pairs of a channel, once."""

    def __init__(self, features: int, width: int):
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.ask = nn.Linear(width, 3 * width)
        self.mix = layers(2 * width, width, width)
        self.read = layers(width, width, 2)

    def forward(self, x: Tensor, partners: Tensor) -> Tensor:
        """Outputs [B, N, 2] of tokens [B, N, F]; partners share a channel [B, N, N]."""
        x = F.silu(self.embed(x))
        query, key, value = self.ask(x).chunk(3, dim=-1)
        score = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
        weight = score.masked_fill(~partners, float("-inf")).softmax(dim=-1)
        return self.read(x + self.mix(torch.cat([x, weight @ value], dim=-1)))


class Critic(nn.Module):  # pyright: ignore[reportUntypedBaseClass]
    """Values of all pairs, and their shares of the leader's."""

    def __init__(self, features: int, width: int):
        super().__init__()
        self.network = layers(features, width, width, 2)
        self.direct = nn.Linear(features, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Values [B, N, 2] of features [B, N, F]."""
        return self.network(features) + self.direct(features)


def load(module: Any, tree: Any) -> None:
    """Give a module the weights of a tree of layers in the same order."""
    leaves = jax.tree.leaves(tree)
    with torch.no_grad():
        for to, leaf in zip(module.parameters(), leaves, strict=True):
            to.copy_(torch.from_numpy(np.array(leaf.T)))


class Slot(NamedTuple):
    """A batch of slots before anybody acts; see `stackelberg.learning.transitions`."""

    leader: Tensor
    followers: Tensor
    quoted_over_seen: Tensor
    noise_seen_w: Tensor
    channel: Tensor
    cellular_snr: Tensor
    bs_gain: Tensor
    noise: Tensor
    coupling: Tensor


class Loop:
    """The learner, its replay and its cells.

    Args:
        learner: of this library, for sizes and settings.
        state: of it, for weights, transitions and cells.
    """

    def __init__(self, learner: Any, state: Any):
        self.settings, self.params = learner.settings, learner.params
        radio = self.params.radio
        self.most, self.least = float(radio.max_power_w), float(radio.min_power_w)
        self.typical = TYPICAL_NOISE * self.most
        self.cellular_weight = 1.0 / self.params.num_pairs
        networks, width = state.networks, self.settings.width
        of_leader, *_ = networks.policy.leader.embed.weight.shape
        of_followers, *_ = networks.policy.followers.embed.weight.shape
        of_critic, *_ = networks.critics[0].direct.weight.shape
        self.leader = Leader(of_leader, width)
        self.followers = nn.Sequential(
            nn.Linear(of_followers, width), nn.SiLU(), layers(width, width, 2)
        )
        self.critic = Critic(of_critic, width)
        self.live = (self.leader, self.followers, self.critic)
        load(self.leader, networks.policy.leader)
        load(self.followers, networks.policy.followers)
        load(self.critic, networks.critics[0])
        self.slow = copy.deepcopy(self.live)
        load(self.slow[0], networks.slow_policy.leader)
        load(self.slow[1], networks.slow_policy.followers)
        load(self.slow[2], networks.slow_critics[0])
        self.acting = [*self.leader.parameters(), *self.followers.parameters()]
        self.judging = list(self.critic.parameters())
        self.all_live = [p for one in self.live for p in one.parameters()]
        self.all_slow = [p for one in self.slow for p in one.parameters()]
        rates = (self.settings.actor_rate, self.settings.critic_rate)
        self.actor_step = torch.optim.Adam(self.acting, rates[0], fused=True)
        self.critic_step = torch.optim.Adam(self.judging, rates[1], fused=True)
        self._environment()
        self.worlds = jax.tree.map(lambda leaf: leaf + 0, state.worlds)
        self.key = jax.random.key(1)
        self.rows, self.filled = self._rows_of(state), int(state.replay.filled)
        self.position = int(state.replay.position)

    def _environment(self) -> None:
        params = self.params

        def seen(worlds: Any) -> Any:
            return jax.vmap(lambda s: told(moment(s, params, solve=False), params))(
                worlds
            )

        def one(key: Any, world: Any, answer: Any, power: Any) -> Any:
            now = moment(world, params, solve=False)
            price = price_of_answer(answer, now.leader.quoted_gain, params.radio)
            action = envs.Action(price, now.game.channel, power)
            after = envs.step(key, world, action, params)
            reward = after.leader_reward / utility_unit(now.game)
            rewards = after.follower_reward / follower_unit(now.game)
            return after.state, (reward, rewards, after.terminated)

        def stepped(key: Any, worlds: Any, answer: Any, power: Any) -> Any:
            keys = jax.random.split(key, len(worlds.slot))
            worlds, got = jax.vmap(one)(keys, worlds, answer, power)
            return worlds, got, seen(worlds)

        self._seen, self._stepped = jax.jit(seen), jax.jit(stepped)

    def _rows_of(self, state: Any) -> Tensor:
        """The library's transitions as rows of one matrix."""
        kept = state.replay.records

        def flat(now: Any) -> Tensor:
            return packed(jax.vmap(lambda m: told(m, self.params))(now))

        first = flat(kept.now)
        self.wide = first.shape[1]
        rest = [kept.actions.answer_w, kept.actions.power_w, kept.reward.followers]
        scalars = [kept.reward.leader[:, None], kept.ended[:, None]]
        return torch.cat(
            [first, flat(kept.after), *map(tensor, rest + scalars)], dim=1
        ).contiguous()

    def answers(self, leader: Any, slot: Slot, noise: Tensor | float = 0.0) -> Any:
        """What the leader asks for, in W [B, N], and what its network said."""
        partners = slot.channel[:, :, None] == slot.channel[:, None, :]
        output = leader(slot.leader, partners) + noise
        answer = 5.0 * self.typical * torch.exp(bent(output[..., 0], PRICE_REACH))
        return answer.clamp(max=2.0 * self.most), output

    def powers(
        self, followers: Any, slot: Slot, answer: Tensor, noise: Tensor | float = 0.0
    ) -> Tensor:
        """What the followers send when so much is asked for, in W [B, N]."""
        asked = answer * slot.quoted_over_seen
        priced = decades((asked / slot.noise_seen_w).clamp(max=1e6))[..., None]
        before, after = slot.followers[..., :PRICED], slot.followers[..., PRICED + 1 :]
        output = followers(torch.cat([before, priced, after], dim=-1)) + noise
        factor = torch.exp(bent(output, POWER_REACH))
        wanted = asked * factor[..., 0] - slot.noise_seen_w * factor[..., 1]
        return wanted.clamp(self.least, self.most)

    def features(
        self, slot: Slot, answer: Tensor, power: Tensor, *, alone: bool
    ) -> Tensor:
        """What the critic sees of a slot and everybody's actions [B, N, F]."""
        others = power.detach() if alone else power
        noise = slot.noise + (slot.coupling @ others[..., None])[..., 0]
        shared = slot.channel[:, :, None] == slot.channel[:, None, :]
        partners = shared.to(power.dtype)
        reached = slot.bs_gain * others
        received = slot.bs_gain * power
        heard = 1.0 + received + (partners @ reached[..., None])[..., 0] - reached
        cellular = slot.cellular_snr.gather(1, slot.channel)
        most = torch.log1p(slot.cellular_snr).sum(1, keepdim=True)
        columns = [
            decades(slot.bs_gain * self.typical),
            decades(slot.noise / self.typical),
            decades(cellular),
            torch.log1p(power / noise),
            torch.log1p(cellular / heard) / partners.sum(-1),
            decades(heard),
            decades(answer / noise),
            power / torch.maximum(answer, self.least + noise),
            (self.cellular_weight * most).expand_as(power),
        ]
        return 0.5 * torch.stack(columns, dim=-1)

    def critic_loss(self, rows: Tensor) -> Tensor:
        """Of one minibatch, against the slow networks' target."""
        now, after, answer, power, leads, follow, ended = self.unpacked(rows)
        with torch.no_grad():
            leader, followers, critic = self.slow
            next_answer, _ = self.answers(leader, after)
            next_power = self.powers(followers, after, next_answer)
            future = critic(self.features(after, next_answer, next_power, alone=False))
            going = self.settings.gamma * (1.0 - ended)
            wanted = leads + going * future[..., 1].mean(dim=1)
            all_wanted = follow + going[:, None] * future[..., 0]
        found = self.critic(self.features(now, answer, power, alone=False))
        error = F.mse_loss(found[..., 1].mean(dim=1), wanted)
        return error + F.mse_loss(found[..., 0], all_wanted)

    def actor_gradients(self, rows: Tensor) -> list[Tensor]:
        """Of the leader, whose followers answer, and of the followers; as `acting`."""
        now = self.unpacked(rows)[0]
        answer, output = self.answers(self.leader, now)
        power = self.powers(self.followers, now, answer)
        leads = self.critic(self.features(now, answer, power, alone=False))[..., 1]
        loss = self.settings.saturation * output.square().mean() - leads.mean()
        first = torch.autograd.grad(
            loss, list(self.leader.parameters()), retain_graph=True
        )
        given = answer.detach()
        follow = self.critic(self.features(now, given, power, alone=True))[..., 0]
        second = torch.autograd.grad(-follow.mean(), list(self.followers.parameters()))
        return [*first, *second]

    def learn(self) -> None:
        """The gradient steps after a chunk."""
        for _ in range(self.settings.updates_per_chunk):
            rows = self.rows[torch.randint(self.filled, (self.settings.minibatch,))]
            self.critic_step.zero_grad(set_to_none=True)
            self.critic_loss(rows).backward()
            nn.utils.clip_grad_norm_(self.judging, 1.0)
            self.critic_step.step()
            for p, gradient in zip(
                self.acting, self.actor_gradients(rows), strict=True
            ):
                p.grad = gradient
            nn.utils.clip_grad_norm_(self.acting, 1.0)
            self.actor_step.step()
            with torch.no_grad():
                torch._foreach_lerp_(
                    self.all_slow, self.all_live, self.settings.target_rate
                )

    @torch.no_grad()
    def play(self) -> None:
        """A chunk of slots with exploration, stored."""
        settings, n = self.settings, self.params.num_pairs
        shape = (settings.environments, n)
        before = packed(self._seen(self.worlds))
        for _ in range(settings.slots_per_chunk):
            slot = self.slots(before)
            wiggle = settings.leader_noise * torch.randn(*shape, 2)
            answer, _ = self.answers(self.leader, slot, wiggle)
            wiggle = settings.follower_noise * torch.randn(*shape, 2)
            power = self.powers(self.followers, slot, answer, wiggle)
            self.key, key = jax.random.split(self.key)
            self.worlds, got, after = self._stepped(
                key,
                self.worlds,
                jnp.asarray(answer.numpy()),
                jnp.asarray(power.numpy()),
            )
            after = packed(after)
            leads, follow, ended = map(tensor, got)
            parts = [before, after, answer, power, follow, leads[:, None]]
            self.store(torch.cat([*parts, ended[:, None]], dim=1))
            before = after

    def chunk(self) -> None:
        """Play, then learn."""
        self.play()
        self.learn()

    def store(self, rows: Tensor) -> None:
        """Put rows in place of the oldest."""
        at = (self.position + torch.arange(len(rows))) % len(self.rows)
        self.rows[at] = rows
        self.position = (self.position + len(rows)) % len(self.rows)
        self.filled = min(self.filled + len(rows), len(self.rows))

    def slots(self, rows: Tensor) -> Slot:
        """The fields of packed slots."""
        n, m = self.params.num_pairs, self.params.num_channels
        f = self.leader.embed.in_features
        g = self.followers[0].in_features
        sizes = [n * f, n * g, n, n, n, m, n, n, n * n]
        parts = list(rows.split(sizes, dim=1))
        shapes = {0: (n, f), 1: (n, g), 8: (n, n)}
        for index, shape in shapes.items():
            parts[index] = parts[index].unflatten(1, shape)
        parts[4] = parts[4].long()
        return Slot(*parts)

    def unpacked(self, rows: Tensor) -> tuple[Any, ...]:
        """Slot, slot after, answers, powers, rewards of leader and followers, end."""
        n = self.params.num_pairs
        now, after, answer, power, follow, leads, ended = rows.split(
            [self.wide, self.wide, n, n, n, 1, 1], dim=1
        )
        both = self.slots(now), self.slots(after)
        return *both, answer, power, leads[:, 0], follow, ended[:, 0]


def told(now: Moment, params: envs.EnvParams) -> tuple[Any, ...]:
    """What the loop keeps of a slot, in the order of `Slot`."""
    followers = follower_features(now, jnp.ones(params.num_pairs), params)
    game = now.game
    return (
        now.leader.features,
        followers.features,
        followers.answer_w,
        followers.noise_w,
        game.channel.astype(jnp.float32),
        game.cellular_snr,
        game.bs_gain,
        game.noise,
        game.coupling,
    )


def tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))


def packed(parts: tuple[Any, ...]) -> Tensor:
    """Arrays [B, ...] as rows of one matrix."""
    return torch.cat([tensor(part).flatten(1) for part in parts], dim=1)


def difference(learner: Any, state: Any, loop: Loop) -> float:
    """By how much losses and gradients differ on one minibatch, relative to them."""
    count = learner.settings.minibatch
    part = jax.tree.map(lambda leaf: leaf[:count], state.replay.records)
    networks, key, steps = state.networks, jax.random.key(0), state.env_steps
    loss, slope = jax.jit(jax.value_and_grad(learner.critic_loss))(
        networks.critics, networks, part, key, steps
    )
    climb = jax.jit(jax.grad(learner.actor_loss))(
        networks.policy, networks, part, steps, key
    )
    rows = loop.rows[:count]
    found = loop.critic_loss(rows)
    worst = abs(found.item() / float(loss) - 1.0)
    slopes = torch.autograd.grad(found, loop.judging)
    for theirs, tree in ((slopes, slope[0]), (loop.actor_gradients(rows), climb)):
        leaves = [np.asarray(leaf.T) for leaf in jax.tree.leaves(tree)]
        scale = max(np.abs(leaf).max() for leaf in leaves)
        for one, leaf in zip(theirs, leaves, strict=True):
            worst = max(worst, float(np.abs(one.numpy() - leaf).max() / scale))
    return worst
