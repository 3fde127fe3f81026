"""`./run bench`: the table of how fast we are, beside peers. `./run bench sources`: what a slow and a dead source cost
the others. `./run bench people`: what a sign-on costs with millions of people in the database. `./run bench overload`:
what becomes of people when too many come. `./run bench capacity`: what a country needs; `footprint`: what rows take.
`./run bench soak`: whether half an hour at 70 % of what can be served leaves memory, rows and p99 what they are.
"""

import sys

if sys.argv[1:2] == ["sources"]:
    del sys.argv[1]
    from tests.benchmarks.troubled import main
elif sys.argv[1:2] == ["overload"]:
    del sys.argv[1]
    from tests.benchmarks.overload import main
elif sys.argv[1:2] == ["footprint"]:
    from tests.benchmarks.footprint import main
elif sys.argv[1:2] == ["capacity"]:
    del sys.argv[1]
    from tests.benchmarks.capacity import main
elif sys.argv[1:2] == ["soak"]:
    del sys.argv[1]
    from tests.benchmarks.soak import main
elif sys.argv[1:2] == ["people"]:
    del sys.argv[1]
    from tests.benchmarks.people import main
else:
    from tests.benchmarks.table import main

main()
