"""Leaving a portal, and with it the shared sign-in (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest


def test_signing_out_ends_the_session_here_and_at_the_provider(ministry, visitor):
    home = ministry.sign_in(visitor)

    asked = visitor.submit(home)
    assert asked.url.startswith(f"{ministry.issuer}/session/end")
    page = visitor.submit(asked, {"logout": "yes"})

    assert page.url.startswith(ministry.at("/signed-out"))
    assert "dịch vụ đăng nhập chung" in page.text("signed-out")
    assert not visitor.open(ministry.at("/")).has("person")
    assert visitor.open(ministry.at("/sign-in")).forms, "the provider must ask who it is"


def test_the_request_to_sign_out_names_the_session_the_way_back_and_a_state(ministry, visitor):
    sent = visitor.submit(ministry.sign_in(visitor), follow=False)

    query = parse_qs(urlsplit(sent.location).query)
    assert sent.status == 303
    assert query["post_logout_redirect_uri"] == [ministry.at("/signed-out")]
    assert query["client_id"] == [ministry.client_id]
    assert len(query["state"][0]) >= 22
    assert query["id_token_hint"][0].count(".") == 2


@pytest.mark.parametrize("token", [None, "", "0" * 64, "đ"])
def test_a_form_of_another_site_cannot_sign_anybody_out(ministry, visitor, token):
    ministry.sign_in(visitor)

    page = visitor.request("POST", ministry.at("/sign-out"), data={} if token is None else {"csrf_token": token})

    assert page.status == 400
    assert page.text("error") == "bad_request"
    assert visitor.open(ministry.at("/")).has("person")


def test_the_token_of_one_persons_form_is_worth_nothing_for_another(ministry, visitor, another_visitor):
    stolen = ministry.sign_in(another_visitor, "minh").forms[0].fields["csrf_token"]
    ministry.sign_in(visitor)

    assert visitor.request("POST", ministry.at("/sign-out"), data={"csrf_token": stolen}).status == 400


def test_a_link_cannot_sign_anybody_out(ministry, visitor):
    ministry.sign_in(visitor)

    assert visitor.get(ministry.at("/sign-out")).status == 405
    assert visitor.open(ministry.at("/")).has("person")


def test_the_page_signed_out_does_not_claim_it_of_a_person_who_is_not(ministry, visitor):
    ministry.sign_in(visitor)

    for address in ("/signed-out", "/signed-out?state=made-up"):
        assert visitor.open(ministry.at(address)).text("error") == "bad_request"


def test_the_page_signed_out_without_state_says_only_what_the_portal_knows(ministry, visitor):
    assert "có thể vẫn còn mở" in visitor.open(ministry.at("/signed-out")).text("signed-out")


def test_the_old_cookie_is_worth_nothing_after_signing_out(ministry, visitor, another_visitor):
    home = ministry.sign_in(visitor)
    host = urlsplit(ministry.base).hostname
    another_visitor.cookies.set("portal-session", visitor.cookies.get("portal-session", domain=host), domain=host)
    assert another_visitor.open(ministry.at("/")).has("person")

    visitor.submit(home, follow=False)

    assert not another_visitor.open(ministry.at("/")).has("person")


def test_signing_out_works_here_even_while_the_provider_names_no_place_for_it(guest, crooked):
    crooked.metadata = {"end_session_endpoint": None}
    guest.come_back()

    page = guest.post("/sign-out", csrf_token=guest.get("/").forms[0].fields["csrf_token"])

    assert "có thể vẫn còn mở" in page.text("signed-out")
    assert not guest.signed_in
