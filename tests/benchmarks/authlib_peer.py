"""A provider made of Authlib's Flask server and Flask-SQLAlchemy, as their documentation makes one.

Environment: ISSUER, DATABASE_URL, CLIENT (a portal as JSON), PEOPLE (how many), KEY (a private JWK as JSON).
Run as a module it makes the tables, the portal and the people, and prints a key; `app` is the application.
Whoever is signed in and has agreed before is answered without a page, as with the others.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.integrations.sqla_oauth2 import (
    OAuth2AuthorizationCodeMixin,
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_bearer_token_validator,
    create_query_client_func,
    create_save_token_func,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, redirect, request, session
from flask_sqlalchemy import SQLAlchemy
from joserfc.jwk import ECKey
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

PROFILE = {
    "name": "Nguyễn Thị Mai Anh", "family_name": "Nguyễn", "middle_name": "Thị Mai", "given_name": "Anh",
    "birthdate": "1992-08-05", "updated_at": 1790000000,
}  # fmt: skip
SECONDS = 300

database = SQLAlchemy()


class User(database.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)

    def get_user_id(self) -> int:
        return self.id


class Client(database.Model, OAuth2ClientMixin):  # type: ignore[name-defined, misc]
    __tablename__ = "oauth2_clients"
    id: Mapped[int] = mapped_column(primary_key=True)


class Code(database.Model, OAuth2AuthorizationCodeMixin):  # type: ignore[name-defined, misc]
    __tablename__ = "oauth2_codes"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user = relationship("User")


class Token(database.Model, OAuth2TokenMixin):  # type: ignore[name-defined, misc]
    __tablename__ = "oauth2_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user = relationship("User")


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def save_authorization_code(self, code: str, request: Any) -> Code:
        asked = request.payload
        kept = Code(
            code=code, client_id=request.client.client_id, redirect_uri=asked.redirect_uri, scope=asked.scope,
            user_id=request.user.id, nonce=asked.data.get("nonce"), code_challenge=asked.data.get("code_challenge"),
            code_challenge_method=asked.data.get("code_challenge_method"),
        )  # fmt: skip
        database.session.add(kept)
        database.session.commit()
        return kept

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        found: Code | None = Code.query.filter_by(code=code, client_id=client.client_id).first()
        return None if found is None or found.is_expired() else found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        database.session.delete(authorization_code)
        database.session.commit()

    def authenticate_user(self, authorization_code: Code) -> User | None:
        return database.session.get(User, authorization_code.user_id)


class OpenId(OpenIDCode):
    def __init__(self, key: ECKey, issuer: str) -> None:
        super().__init__(require_nonce=True)
        self._key, self._issuer = key, issuer

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        known = Code.query.filter_by(client_id=request.payload.client_id, nonce=nonce).first()
        return known is not None

    def resolve_client_private_key(self, client: Client) -> ECKey:
        return self._key

    def get_client_algorithm(self, client: Client) -> str:
        return "ES256"

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": "ES256", "kid": str(self._key.kid)}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self._issuer, "aud": [client.client_id], "iat": now, "exp": now + SECONDS}

    def generate_user_info(self, user: User, scope: str) -> UserInfo:
        return UserInfo(sub=str(user.id))  # what the other two put into an id_token; the rest is at /userinfo


def bare() -> Flask:
    """The application without its provider: enough to make the tables."""
    made = Flask(__name__)
    made.config.update(
        SECRET_KEY="of no use to anybody else", SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"],
        OAUTH2_TOKEN_EXPIRES_IN={"authorization_code": SECONDS},
    )  # fmt: skip
    database.init_app(made)
    return made


def app() -> Flask:
    made, key = bare(), ECKey.import_key(json.loads(os.environ["KEY"]))
    server = AuthorizationServer(
        made, query_client=create_query_client_func(database.session, Client),
        save_token=create_save_token_func(database.session, Token),
    )  # fmt: skip
    server.register_grant(CodeGrant, [OpenId(key, os.environ["ISSUER"]), CodeChallenge(required=True)])
    protected = ResourceProtector()
    protected.register_token_validator(create_bearer_token_validator(database.session, Token)())

    @made.post("/")
    def sign_in() -> Any:
        session["id"] = User.query.filter_by(username=request.form["username"]).first_or_404().id
        return redirect("/")

    @made.get("/authorize")
    def authorize() -> Any:
        user = database.session.get(User, session.get("id", 0))
        if user is None:
            return "sign in first", 401
        grant = server.get_consent_grant(end_user=user)
        return server.create_authorization_response(grant_user=user, grant=grant)

    @made.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @made.get("/userinfo")
    @protected("openid profile")
    def userinfo() -> Any:
        return jsonify(UserInfo(sub=str(current_token.user.id), **PROFILE))

    @made.get("/jwks")
    def jwks() -> Any:
        return jsonify(keys=[key.as_dict(private=False) | {"kid": key.kid}])

    return made


def main() -> None:
    """Tables, people and the portal are there; prints the key that is to sign."""
    told = json.loads(os.environ["CLIENT"])
    with bare().app_context():
        database.create_all()
        database.session.add_all(User(username=f"person-{number}") for number in range(int(os.environ["PEOPLE"])))
        portal = Client(client_id=told["id"], client_secret=told["secret"], client_id_issued_at=int(time.time()))
        portal.set_client_metadata({
            "client_name": told["id"], "redirect_uris": [told["redirect_uri"]], "scope": "openid profile",
            "grant_types": ["authorization_code"], "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
        })  # fmt: skip
        database.session.add(portal)
        database.session.commit()
    key = ECKey.generate_key("P-256")
    key.ensure_kid()
    print(json.dumps(key.as_dict(private=True) | {"kid": key.kid}))


if __name__ == "__main__":
    main()
