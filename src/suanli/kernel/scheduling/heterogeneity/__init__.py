"""Who gets how much time on which device model, where the models differ in speed by kind of work.

``rates`` is what is known of speeds, ``problem`` what a policy sees and gives. A policy is a pure function from a
problem to an allocation: ``fairness``, ``completion`` and ``spending`` have them, exact through linear programs
(``program``, ``shares``) and as heuristics. ``problem.blind`` runs any of them as if all models were alike. ``rounds``
makes placements of an allocation.

The policies and the mechanism of rounds follow D. Narayanan et al., "Heterogeneity-Aware Cluster Scheduling Policies
for Deep Learning Workloads", OSDI 2020 (Gavel).
"""
