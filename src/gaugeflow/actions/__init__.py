"""Actions: callables with their own force.

An action offers `sums(lattice, links)` (local exact sums), `value(lattice, totals)` and `plaquette(lattice, totals)`
(per chain, from the totals of those sums over ranks) and `kick(lattice, links, momenta, eps)`; samplers know nothing
else about it.
"""
