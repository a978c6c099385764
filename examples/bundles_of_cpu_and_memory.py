"""Share servers among jobs that need CPU and memory together, more or less fairly.

A job runs as many tasks as both its CPU and its memory allow: Leontief utility. Here
the two are two nodes that every job reaches, and a weight is what one task takes.
"""

import numpy as np

import stackelberg as sb

jobs = ["video", "database", "build"]
per_task = np.array([[4.0, 1.0], [1.0, 8.0], [2.0, 2.0]])  # vCPU, GiB
market = sb.edge.Market.from_arrays(
    price=[0.03, 0.004],
    capacity=[64.0, 128.0],
    budget=[5.0, 0.6, 5.0],  # dollars an hour
    weight=per_task,
    nodes=["cpu", "memory"],
    users=jobs,
)

tasks = {}
for alpha in (0.5, 1.0, 2.0, 8.0):
    solution = sb.edge.allocate(
        market, 1e-9, utility=sb.edge.LEONTIEF, fairness=sb.edge.Fairness(alpha)
    )
    value, proof = solution.value, solution.certificate
    tasks[alpha] = value.utility
    rent = value.allocation @ value.capacity_shadow_price
    money = value.budget_shadow_price * market.budget
    print(f"alpha {alpha:g}: gap {proof.gap_per_user:.0e}")
    for j, job in enumerate(jobs):
        limit = "its budget" if money[j] > rent[j] else "the servers"
        print(f"  {job:<9}{value.utility[j]:6.2f} tasks, limited by {limit}")

# A bundle that wastes memory is seen through, whoever made it.
wasteful = solution.value.allocation.toarray() * [1.0, 0.5]
found = sb.edge.certify(
    market,
    wasteful,
    solution.value.capacity_shadow_price,
    solution.value.budget_shadow_price,
    utility=sb.edge.LEONTIEF,
    fairness=sb.edge.Fairness(8.0),
)
print(f"half the memory: gap {found.gap_per_user:.2g}")
