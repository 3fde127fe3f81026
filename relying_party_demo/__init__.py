"""A small portal that signs people in with OpenID Connect: an example to read, and to copy from.

It imports nothing of the provider and uses libraries that any Python portal could use: Flask, Authlib's
`flask_client` for the sign-in, PyJWT for logout tokens. Run it once per portal:

    granian --interface wsgi --host 127.0.0.1 --port 8421 relying_party_demo.serve:app

Reading order: `sign_in.py` (the flow), `provider.py` (how Authlib is held), `pages.py`, `sign_out.py`,
`back_channel.py`, `visitor.py` (cookies, CSRF), `store.py` (SQLite), `settings.py`, `words.py`, `app.py`.

Environment:

    PORTAL_NAME_VI, PORTAL_NAME_EN   the portal's name in both languages
    PORTAL_LOOK                      ministry | province: the colours
    PORTAL_BASE_URL                  where browsers reach this portal, such as https://portal.example
    PORTAL_ISSUER                    the provider's issuer identifier, exactly as it writes it
    PORTAL_CLIENT_ID                 as registered; the redirect URI is {base}/callback, the post-logout
                                     redirect URI {base}/signed-out, back-channel logout {base}/backchannel-logout
    PORTAL_CLIENT_SECRET_FILE        a file with the client secret; read when needed, so it may appear after the start
    PORTAL_SCOPE                     default "openid profile"
    PORTAL_LEVEL                     the assurance level that entering the portal takes, LoA1 .. LoA4
    PORTAL_SERVICES                  JSON list of {"id", "name_vi", "name_en", "level", "organisation"}; a service may
                                     ask for more, and with "organisation": true for whom the person acts
    PORTAL_SESSION_KEY_FILE          a file with a random key for this portal's cookies; made if there is none
    PORTAL_DATA                      a SQLite file, shared by the workers
    MOTCUA_MODE                      development | test: plain http is allowed, *.localhost means loopback

Element ids that test drivers may rely on:

    #sign-in            link, when nobody is signed in          #sign-out      form with a button, when somebody is
    #person             the name of the person signed in        #me            link to /me
    #service-<id>       link to a service on the home page      #service       the heading of an opened service
    #sub #acr #source-kind #auth-time                           on /me (#acr also on an opened service)
    #acting-for #act-for    for whom the person acts, and a link to say otherwise, on a service that asks for it
    #claim-<name>       a claim on /me, its value as received (structured values as JSON)
    #claims-json #id-token-header #id-token-payload             <pre> elements on /me holding JSON
    #error              the code of a failure, on failure pages #try-again #home links there
    #signed-out         the message after a sign-out
"""
