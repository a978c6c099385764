"""Slow methods that are plainly right, to test against. They never import stackelberg.

`single_price`: one price by search at 40 digits. `power_game`: every follower
equilibrium by enumeration, best responses by grid, utilities by loops.
"""
