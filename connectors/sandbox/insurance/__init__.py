"""The social insurance gateway: REST in two versions, with the habits of one that has been there for years.

- HTTP says 200 where `maKetQua` says what is wrong; `ghiChu` beside it quotes the right name to who sent a wrong one.
- The 2019 version takes a form, with token, user name and hashed password in the query, and answers 200 and 501 when a
  token has ended; the 2024 version takes JSON, with the token in headers, and answers 401.
- Birth dates are as they were filed: `20/02/1979`, `02/1979` or `1979`.

Clients are those of the clients file: `client_id` is the user name, and the MD5 of `client_secret` the password.
The one-time codes are an addition that the real gateway does not have; each is the published one, and who should get
it can be read at `/_sandbox/messages` and on the first page.
"""

from __future__ import annotations

from flask import Flask

from connectors.sandbox.insurance import gateway, messages
from connectors.sandbox.insurance.state import Insurance
from connectors.sandbox.settings import Settings


def furnish(app: Flask, settings: Settings) -> Insurance:
    """The endpoints stand on the app; what is behind them is given back."""
    app.register_blueprint(gateway.blueprint)
    app.register_blueprint(messages.blueprint)
    return Insurance(settings)
