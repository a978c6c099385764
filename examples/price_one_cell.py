"""Price the reuse of a cell's channels, and read what is proved about the prices."""

import stackelberg as sb

cell = sb.spectrum.generate(
    seed=0, num_channels=5, num_pairs=8, follower_price_weight=0.2
)
solution = sb.spectrum.solve(cell).raise_for_status()

answer = solution.value
for j in range(cell.num_pairs):
    print(
        f"pair {j}: channel {answer.channel[j]}, "
        f"price {answer.reuse_price[j]:.3g} bit/s per W, "
        f"power {sb.units.to_dbm(answer.transmit_power_w[j]):.1f} dBm, "
        f"rate {answer.d2d_rate_bps[j] / 1e6:.2f} Mbit/s"
    )

certificate = solution.certificate
print(f"leader utility {answer.leader_utility / 1e6:.3f} Mbit/s")
print(f"no prices give more than {certificate.bilevel_gap:.1e} of that on top")
print(f"no pair gains more than {certificate.follower_regret:.1e} bit/s alone")
assert certificate.holds(1e-4)
