"""Scores of a node for a request, one policy a file: compiled functions on arrays; the lowest score is taken.

Each policy is a function of what the nodes have free, a row, a request that fits there, and what the policy knows
(``typical``). It gives the score and the position of the device to share, -1 where ``tightest`` decides.
"""
