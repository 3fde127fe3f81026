"""The tax office: a SAML 2.0 identity provider of its own, with a file of taxpayers and every lie that SAML allows.

Built on lxml, signxml and cryptography alone, so that nothing here can agree with the connector by mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from connectors.sandbox.settings import Settings
    from connectors.sandbox.tax.state import TaxOffice


def furnish(app: Flask, settings: Settings) -> TaxOffice:
    """The endpoints stand on the app; what is behind them is given back."""
    from connectors.sandbox import answers
    from connectors.sandbox.errors import PageProblem
    from connectors.sandbox.tax import metadata, sign_on, sign_out
    from connectors.sandbox.tax.state import TaxOffice

    for part in (metadata, sign_on, sign_out):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(PageProblem, answers.page_problem)
    return TaxOffice(settings)
