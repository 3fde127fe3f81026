"""An invented country for measuring how well people are recognised: its register, what sources say of its people, and
the truth.

It shares no code with what it measures. Everything is drawn by lot from a seed, family by family: the same seed gives
the same files on every machine, and a larger country begins with the smaller. How often what is so, and what goes
wrong, stands in `rates.toml` alone; what the files hold, in `files`.
"""
