"""The sandbox sources: each one a whole, small OpenID Provider with an invented population, to try MotCua against.

A simulator shares no code with what it tests: nothing here imports `idp`, or `connectors` outside this package.
One process is one source. Its state lives in memory: run it with one worker and several threads.

    MOTCUA_MODE=development SANDBOX_KIND=banking SANDBOX_ISSUER=http://bank.localhost:8411 \\
    granian --interface wsgi --workers 1 --blocking-threads 8 --port 8411 connectors.sandbox.serve:app
"""
