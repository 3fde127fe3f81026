"""What the office publishes about itself: SAML metadata, signed by the key that signs its assertions."""

from __future__ import annotations

from flask import Blueprint, Response
from lxml import etree

from connectors.sandbox.answers import page
from connectors.sandbox.cast import CAST, PASSWORD
from connectors.sandbox.tax.signing import signed
from connectors.sandbox.tax.state import office
from connectors.sandbox.tax.xml import BINDINGS, PERSISTENT, SAMLP, add, element, new_id

blueprint = Blueprint("metadata", __name__)


@blueprint.get("/metadata")
def metadata() -> Response:
    """SAML metadata section 2.4.3, with every key that is in use or was lately."""
    settings = office().settings
    root = element("md:EntityDescriptor", entityID=office().entity_id, ID=new_id(), cacheDuration="PT5M")
    role = add(root, "md:IDPSSODescriptor", protocolSupportEnumeration=SAMLP, WantAuthnRequestsSigned="true")
    for pair in office().keys.published():
        data = add(add(add(role, "md:KeyDescriptor", use="signing"), "ds:KeyInfo"), "ds:X509Data")
        add(data, "ds:X509Certificate", pair.encoded)
    add(role, "md:SingleLogoutService", Binding=f"{BINDINGS}HTTP-Redirect", Location=settings.url("/slo"))
    add(role, "md:NameIDFormat", PERSISTENT)
    for binding in ("HTTP-Redirect", "HTTP-POST"):
        add(role, "md:SingleSignOnService", Binding=f"{BINDINGS}{binding}", Location=settings.url("/sso"))
    document = etree.tostring(signed(root, office().keys.current), xml_declaration=True, encoding="utf-8")
    return Response(document, mimetype="application/samlmetadata+xml", headers={"Cache-Control": "no-store"})


@blueprint.get("/")
def index() -> Response:
    """For whoever opens the office by itself: what this is."""
    return page("index.html", cast=CAST, password=PASSWORD)
