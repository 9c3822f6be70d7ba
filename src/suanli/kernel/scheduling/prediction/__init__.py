"""How long work will run, from what is known at submission and from work that has already ended.

``requested`` believes the request, ``last_two`` the user's last two runs, ``learned`` the distribution of those runs
of the user that resemble this one. All read one ``history.History``; ``history.learn`` adds what ended, in a replay
as live. ``history.correct`` says what to expect of a run that has outlived its prediction.
"""
