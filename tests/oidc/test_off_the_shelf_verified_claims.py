"""A client that is not ours asks for verified claims by the `claims` parameter, and finds them where it looks:
requests-oauth2client, which checks the id_token that holds them.
"""

from __future__ import annotations

from requests_oauth2client import ClientSecretBasic, OAuth2Client

from tests.oidc.assured import (
    EVERYTHING,
    Residents,
    asked,
    assured_country,
    country,
    portal,
    residents,
    wanted,
)
from tests.oidc.shape_of_verified_claims import assert_well_formed
from tests.world import Portal

__all__ = ["assured_country", "country", "portal", "residents"]


def test_a_client_that_is_not_ours_reads_verified_claims(portal: Portal, residents: Residents) -> None:
    client = OAuth2Client.from_discovery_endpoint(
        issuer=portal.world.issuer, session=portal.world.http, testing=True,
        auth=ClientSecretBasic(portal.id, str(portal.secret)), redirect_uri=portal.redirect_uri,
    )  # fmt: skip
    wish = asked(userinfo=wanted("name", verification=EVERYTHING), id_token=[wanted("birthdate")])
    request = client.authorization_request(scope="openid", claims=wish)
    answer = request.validate_callback(residents(portal).browser.get(str(request.uri)).location)
    tokens = client.authorization_code(answer, validate=True)
    [told] = tokens.id_token.claims["verified_claims"]
    assert told["claims"] == {"birthdate": "1992-08-05"}
    userinfo = client.userinfo(tokens)
    assert_well_formed(userinfo["verified_claims"])
    assert userinfo["verified_claims"]["claims"] == {"name": "Nguyễn Thị Mai Anh"}
