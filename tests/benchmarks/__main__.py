"""`python -m tests.benchmarks`: the one benchmark that there is."""

from tests.benchmarks.sso import main

main()
