"""`./run bench`: single sign-on beside a peer. `./run bench sources`: what a slow and a dead source cost the others."""

import sys

if sys.argv[1:2] == ["sources"]:
    del sys.argv[1]
    from tests.benchmarks.troubled import main
else:
    from tests.benchmarks.sso import main

main()
