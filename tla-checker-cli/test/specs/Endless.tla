------------------------------ MODULE Endless ------------------------------
EXTENDS Naturals
VARIABLES x, y
Init == x = 0 /\ y = {}
Count == x' = x + 1 /\ y' = y
\* Fills any heap.
Grow == x' = x /\ y' = SUBSET (1..26)
=============================================================================
