"""Where a JWT from outside is believed: the columns of the algorithm matrix. At each, a good one opens something."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import requests

from idp import clock
from idp.clients.invitations import Invitations, Terms
from idp.clients.registration import DEVICE_CODE, Registration
from tests.clients.key_sets import jwk, key_set, private_key
from tests.oidc.asserting import TYPE
from tests.oidc.forging import FORGER, Genuine
from tests.oidc.holder import OFFLINE, bought, posted
from tests.oidc.packing import Shelf, shelf
from tests.oidc.proving import ath
from tests.oidc.registering import OPEN, WISHES
from tests.oidc.residents import Resident, fresh_name, move_in
from tests.world import Portal, World, world

PUBLISHER = "https://statements.example"
API = "https://api.example/matrix"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
KEY = private_key("P-256", 1)  # of the portals, and of the publisher of software statements
SIGNS: dict[str, Any] = {"jwks": key_set(jwk("P-256", 1, kid="k1")), "id_token_signed_response_alg": "ES256"}
Told = tuple[int, str]  # the status, and the error or what there is in its place


@dataclass
class Ground:
    world: World
    resident: Resident
    asserting: Portal
    asking: Portal
    bound: Portal
    selling: Portal
    left: Shelf  # request objects
    elsewhere: Shelf  # the forger's keys
    invitation: str
    shown: str = ""  # the access token that DPoP proofs come with
    last: str = ""  # the access token that a forgery was made of

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> requests.Response:
        return self.world.http.post(f"{self.world.issuer}{path}", data=form, headers=headers, timeout=30)

    def genuine(self, claims: Mapping[str, Any], key: Any = KEY, **header: Any) -> Genuine:
        """Signed just now, for this place."""
        now = clock.seconds()
        said = {"iat": now, "exp": now + 60, "jti": fresh_name("jti")} | claims
        return Genuine(header={"alg": "ES256"} | header, claims=said, key=key, elsewhere=self.elsewhere.url)


@dataclass(frozen=True, kw_only=True)
class Place:
    """`refused` is what a forger is told, `accepted` what a good token brings; `harmless` would be none of a forger."""

    genuine: Callable[[Ground], Genuine]
    send: Callable[[Ground, str], Told]
    refused: Told
    accepted: Told
    harmless: frozenset[str] = frozenset()


@contextlib.contextmanager
def ground(directory: Path) -> Iterator[Ground]:
    """A provider at which every place is open."""
    keys = directory / "publisher.json"
    keys.write_text(json.dumps(key_set(jwk("P-256", 1, kid="k1"))))
    statements = {"statement_issuer": PUBLISHER, "statement_keys_file": str(keys)}
    many = dict.fromkeys(("logins_per_network_per_minute", "failed_authentications_per_client_per_minute"), 1_000_000)
    with world(directory, registration=OPEN | statements, limits=many) as there, shelf() as left, shelf() as forger:
        forger.document = json.dumps(key_set(jwk("P-256", FORGER, kid="forger")))
        grants = ["authorization_code", "client_credentials", DEVICE_CODE]
        asserting = there.portal(
            "matrix-asserts", **SIGNS, token_endpoint_auth_method="private_key_jwt", grant_types=grants,
            api_scopes=["records.read"],
        )  # fmt: skip
        asking = there.portal("matrix-asks", **SIGNS, request_uris=[left.url])
        bound = there.portal("matrix-bound", **SIGNS, dpop_bound_access_tokens=True)
        selling = there.portal(
            "matrix-sells", **SIGNS, **(OFFLINE | {"grant_types": [*OFFLINE["grant_types"], EXCHANGE]}),
            access_token_format="jwt", may_call=[API], may_exchange=[API], api_scopes=["records.read"],
        )  # fmt: skip
        there.portal("matrix-api", resource_uris=[API])
        with there.house.database.write() as tx:
            _, invitation = Invitations(there.house.database).make(tx, Terms(note="matrix"), uses=100_000, seconds=3600)
        resident = move_in(there, asserting, asking, bound, selling)
        yield Ground(there, resident, asserting, asking, bound, selling, left, forger, invitation)


def _error(answer: requests.Response, otherwise: str = "") -> Told:
    """A server that refuses the request before we see it may answer anything."""
    try:
        told = answer.json() if answer.content else {}
    except ValueError:
        told = {}
    return answer.status_code, str(told.get("error", otherwise))


# ---- client assertions (RFC 7523) ----


def _assertion(at: Ground) -> Genuine:
    name = at.asserting.id
    return at.genuine({"iss": name, "sub": name, "aud": at.world.issuer}, kid="k1")


def _asserted(path: str, status: int, **form: str) -> Place:
    def send(at: Ground, token: str) -> Told:
        given = form if path != "/par" else dict(at.asserting.ask().parameters)
        return _error(at.post(path, given | {"client_assertion_type": TYPE, "client_assertion": token}))

    return Place(genuine=_assertion, send=send, refused=(401, "invalid_client"), accepted=(status, ""))


# ---- request objects (RFC 9101) ----


def _request_object(at: Ground) -> Genuine:
    asked = at.asking.ask(prompt="none").parameters
    return at.genuine({**asked, "iss": at.asking.id, "aud": at.world.issuer}, kid="k1", typ="oauth-authz-req+jwt")


def _authorized(at: Ground, **form: str) -> Told:
    """What the portal is told, where it is told; else that of the page (and the browser stays here)."""
    browser, back = at.resident.browser, at.asking.redirect_uri
    page = browser.request("POST", f"{at.world.issuer}/authorize", data={"client_id": at.asking.id} | form)
    page = browser.follow(page, until=back)
    if page.onward is None:
        return page.status, "a page"
    told = dict(parse_qsl(urlsplit(page.location).query))
    return page.status, told.get("error", "a code" if "code" in told else "nothing")


def _left(at: Ground, token: str) -> Told:
    at.left.document, uri = token, f"{at.left.url}?{fresh_name()}"  # nothing from there is remembered
    house = at.world.house
    known = house.clients.find(at.asking.id)
    assert known is not None
    before = Registration(**known.model_dump(include=set(Registration.model_fields)))
    with house.database.write() as tx:
        house.clients.change(tx, known.id, before, before.model_copy(update={"request_uris": (uri,)}))
    house.changes.forget()
    return _authorized(at, request_uri=uri, redirect_uri=at.asking.redirect_uri)


def _pushed(at: Ground, token: str) -> Told:
    return _error(posted(at.asking, "/par", {"client_id": at.asking.id, "request": token}))


# ---- DPoP proofs (RFC 9449) ----

# A proof's key is in its header by right, and what it is called is of no interest.
OWN_KEY = frozenset({"kid unknown", "kid empty", "kid a path"})
SHOWN = OWN_KEY | {"jwk", "jwk without kid"}  # where whoever comes first may show any key


def _proof(path: str, method: str = "POST") -> Callable[[Ground], Genuine]:
    def genuine(at: Ground) -> Genuine:
        said = {"htm": method, "htu": f"{at.world.issuer}{path}"}
        if path == "/userinfo":
            at.shown = str(_redeemed(at, _proof("/token")(at).token).json()["access_token"])
            said["ath"] = ath(at.shown)
        return at.genuine(said, typ="dpop+jwt", jwk=jwk("P-256", 1))

    return genuine


def _redeemed(at: Ground, proof: str) -> requests.Response:
    code, request = at.resident.code(at.bound)
    given = {"code": code, "redirect_uri": at.bound.redirect_uri, "code_verifier": request.verifier}
    return posted(at.bound, "/token", {"grant_type": "authorization_code", **given}, headers={"DPoP": proof})


def _pushed_with(at: Ground, proof: str) -> Told:
    return _error(posted(at.bound, "/par", dict(at.bound.ask().parameters), headers={"DPoP": proof}))


def _shown_with(at: Ground, proof: str) -> Told:
    headers = {"Authorization": f"DPoP {at.shown}", "DPoP": proof}
    return _error(at.world.http.get(f"{at.world.issuer}/userinfo", headers=headers, timeout=30))


# ---- tokens of ours ----

# With our key nobody but we can sign, whatever else the header says.
OURS = frozenset({"jku beside the right key", "x5c beside the right key"})


def _ours(at: Ground, token: str) -> Genuine:
    """Signed by our key, as a forger who had it would sign; so that each forgery is one for its own reason."""
    header = jwt.get_unverified_header(token)
    key = next(key for key in at.world.house.keys._published() if key.kid == header["kid"])
    claims = jwt.decode(token, options={"verify_signature": False})
    return Genuine(header=header, claims=claims, key=key.private, elsewhere=at.elsewhere.url)


def _id_token(at: Ground) -> Genuine:
    return _ours(at, at.resident.tokens(at.asking).id_token)


def _hint(at: Ground, token: str) -> Told:
    asked = dict(at.asking.ask(prompt="none").parameters)
    return _authorized(at, **asked, id_token_hint=token)


def _leaving(at: Ground, token: str) -> Told:
    """A good hint leads back to the portal, here from a browser that has no session."""
    browser, back = at.world.browser(), at.asking.post_logout_redirect_uri
    form = {"post_logout_redirect_uri": back, "id_token_hint": token}
    page = browser.follow(browser.request("POST", f"{at.world.issuer}/logout", data=form), until=back)
    return page.status, "a page" if page.onward is None else "leads back"


def _access_token(at: Ground) -> Genuine:
    at.last = bought(at.resident, at.selling)["access_token"]
    return _ours(at, at.last)


def _userinfo(at: Ground, token: str) -> Told:
    headers = {"Authorization": f"Bearer {token}"}
    return _error(at.world.http.get(f"{at.world.issuer}/userinfo", headers=headers, timeout=30))


def _introspected(at: Ground, token: str) -> Told:
    answer = posted(at.selling, "/introspect", {"token": token})
    return _error(answer, "active" if answer.ok and answer.json()["active"] else "inactive")


def _revoked(at: Ground, token: str) -> Told:
    """Whether the token that the forgery was made of is good still."""
    status = posted(at.selling, "/revoke", {"token": token}).status_code
    return status, "good still" if _userinfo(at, at.last)[0] == 200 else "revoked"


def _exchanged(at: Ground, token: str) -> Told:
    given = {
        "grant_type": EXCHANGE, "subject_token": token, "resource": API, "scope": "records.read",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }  # fmt: skip
    return _error(posted(at.selling, "/token", given))


# ---- software statements (RFC 7591) ----


def _statement(at: Ground) -> Genuine:
    return at.genuine({"iss": PUBLISHER}, kid="k1")


def _registered(at: Ground, token: str) -> Told:
    headers = {"Authorization": f"Bearer {at.invitation}"}
    wishes = WISHES | {"software_statement": token}
    return _error(at.world.http.post(f"{at.world.issuer}/register", json=wishes, headers=headers, timeout=30))


BAD_OBJECT = (303, "invalid_request_object")
BAD_PROOF = "invalid_dpop_proof"
PLACES: dict[str, Place] = {
    "client assertion at /token": _asserted("/token", 200, grant_type="client_credentials", scope="records.read"),
    "client assertion at /par": _asserted("/par", 201),
    "client assertion at /introspect": _asserted("/introspect", 200, token="x"),
    "client assertion at /revoke": _asserted("/revoke", 200, token="x"),
    "client assertion at /device_authorization": _asserted("/device_authorization", 200, scope="openid"),
    "request at /authorize": Place(
        genuine=_request_object, refused=BAD_OBJECT, accepted=(303, "a code"),
        send=lambda at, token: _authorized(at, request=token, redirect_uri=at.asking.redirect_uri)),
    "request at /authorize, nothing else proven": Place(
        genuine=_request_object, refused=(400, "a page"), accepted=(303, "a code"),
        send=lambda at, token: _authorized(at, request=token)),
    "request_uri at /authorize": Place(
        genuine=_request_object, send=_left, refused=BAD_OBJECT, accepted=(303, "a code")),
    "request at /par": Place(
        genuine=_request_object, send=_pushed, refused=(400, "invalid_request_object"), accepted=(201, "")),
    "DPoP proof at /token": Place(
        genuine=_proof("/token"), send=lambda at, proof: _error(_redeemed(at, proof)), refused=(400, BAD_PROOF),
        accepted=(200, ""), harmless=SHOWN),
    "DPoP proof at /par": Place(
        genuine=_proof("/par"), send=_pushed_with, refused=(400, BAD_PROOF), accepted=(201, ""), harmless=SHOWN),
    "DPoP proof at /userinfo": Place(
        genuine=_proof("/userinfo", "GET"), send=_shown_with, refused=(401, BAD_PROOF), accepted=(200, ""),
        harmless=OWN_KEY),
    "id_token_hint at /authorize": Place(
        genuine=_id_token, send=_hint, refused=(303, "invalid_request"), accepted=(303, "a code"), harmless=OURS),
    "id_token_hint at /logout": Place(
        genuine=_id_token, send=_leaving, refused=(400, "a page"), accepted=(303, "leads back"), harmless=OURS),
    "software_statement at /register": Place(
        genuine=_statement, send=_registered, refused=(400, "invalid_software_statement"), accepted=(201, "")),
    "access token at /userinfo": Place(
        genuine=_access_token, send=_userinfo, refused=(401, "invalid_token"), accepted=(200, ""), harmless=OURS),
    "access token at /introspect": Place(
        genuine=_access_token, send=_introspected, refused=(200, "inactive"), accepted=(200, "active"), harmless=OURS),
    "access token at /revoke": Place(
        genuine=_access_token, send=_revoked, refused=(200, "good still"), accepted=(200, "revoked"), harmless=OURS),
    "subject_token at /token": Place(
        genuine=_access_token, send=_exchanged, refused=(400, "invalid_request"), accepted=(200, ""), harmless=OURS),
}  # fmt: skip
