"""A pricing rule of one's own as a method of a study: see own_study_method.toml.

A pair that heard nothing but its own signal would transmit at a share of its greatest
power; nobody optimises anything.
"""

import numpy as np

import stackelberg as sb


def price(
    scenario: sb.spectrum.Scenario, *, seed: int, power_share: float = 0.5
) -> np.ndarray:
    """Prices [N]; the study lets the pairs answer them and certifies the outcome."""
    assert scenario.channel is not None
    to_bs = np.array(
        [scenario.gain_to_bs(int(i))[j] for j, i in enumerate(scenario.channel)]
    )
    return scenario.spend_scale / (to_bs * power_share * scenario.max_power_w)


if __name__ == "__main__":
    cell = sb.spectrum.generate(seed=0, num_channels=4, num_pairs=6, channel="random")
    print(price(cell, seed=0))
