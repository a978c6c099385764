"""Slow methods that are plainly right, to test against. They never import stackelberg.

`single_price`: one price by search at 40 digits. `power_game`: every follower
equilibrium by enumeration, best responses by grid, utilities by loops. `edge_precise`:
an edge market's optimum at 40 digits. `edge_exact`: what anybody's answer to it is
worth, at 60 digits. `edge_clarabel`: the same problem for a cone solver, which only an
extra installs: import it inside a test.
"""
