"""The WSGI application for a server to import: `granian --interface wsgi idp.serve:app`."""

from idp.app import create_app

app = create_app(lines_together=True)
