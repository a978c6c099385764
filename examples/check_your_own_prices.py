"""Certify prices that came from somewhere else: a heuristic, a policy, a colleague.

The certificate is computed from the cell and the outcome alone.
"""

import numpy as np

import stackelberg as sb

channel = np.array([0, 0, 1, 2, 3, 3])
cell = sb.spectrum.generate(seed=1, num_channels=4, num_pairs=6, channel=channel)

# Some prices: undo each pair's gain to the base station, the same for every pair else.
gain = [cell.gain_to_bs(i)[j] for j, i in enumerate(channel)]
price = cell.spend_scale / (0.05 * np.array(gain))

answer = sb.spectrum.follower_equilibrium(cell, price)
outcome = sb.spectrum.outcome(cell, channel, price, answer.transmit_power_w)
certificate = sb.spectrum.certify(cell, outcome)

for row in certificate.rows():
    print(f"{row.name:<26}{row.value:>12.3g} {row.unit:<6} {row.meaning}")
print("Stackelberg equilibrium to 1e-4:", certificate.holds(1e-4, "bilevel"))
assert certificate.follower_regret_relative < 1e-9
assert not certificate.holds(1e-4, "bilevel")
