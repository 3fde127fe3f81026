"""A small app that shows every page with invented people and places: `flask --app tests/web/preview.py run`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request

from connectors.base import Field, Organisation
from idp import clock, settings
from idp.counter import CounterPages
from idp.errors import ALREADY_ANSWERED, BAD_REDIRECT_URI, NOT_FOUND, PERSON_CONFLICT, STORE_UNREACHABLE
from idp.web import account as accounts
from idp.web import ages, cards, counter, devices, language, leaving, pages, phone, presence, qr, register
from idp.web.words import Banner, ClaimLabel, FieldLabel, Lack, NamedItself, Note, Problem, Reason
from tests.counter.issuer import Issuer

REQUEST_ID = "7f3k-92qd"
MINISTRY = ("Cổng dịch vụ Bộ Sông Nước", "Ministry of Rivers")
SEN = ("Ngân hàng Sen", "Sen Bank")

CHOICE = pages.ChoosePage(
    portal_vi=MINISTRY[0],
    portal_en=MINISTRY[1],
    level=2,
    action_url="/posted",
    cancel_url="/posted",
    form_token="token-of-the-form",
    sources=(
        pages.SourceTile(
            id="population", name_vi="Dữ liệu dân cư", name_en="Population register", kind="population", level=4
        ),
        pages.SourceTile(id="sen", name_vi=SEN[0], name_en=SEN[1], kind="banking", level=3),
        pages.SourceTile(id="tre", name_vi="Ngân hàng Tre", name_en="Tre Bank", kind="banking", level=2, health="slow"),
        pages.SourceTile(
            id="bhxh", name_vi="Bảo hiểm xã hội", name_en="Social insurance", kind="insurance", level=2,
            selectable=False, reason_id=Reason.DOWN, health="down",
        ),
        pages.SourceTile(
            id="thue", name_vi="Tài khoản thuế", name_en="Tax account", kind="tax", level=1,
            selectable=False, reason_id=Reason.LEVEL,
        ),
    ),
)  # fmt: skip
MANY = tuple(
    pages.SourceTile(
        id=f"bank{number}", name_vi=f"Quỹ tín dụng Đồng Tháp {number}", name_en="", kind="cooperative", level=2
    )
    for number in range(1, 12)
)
INFORMATION = pages.InformationPage(
    portal_vi=MINISTRY[0],
    portal_en=MINISTRY[1],
    source_vi=SEN[0],
    source_en=SEN[1],
    level=3,
    lines=(
        pages.ClaimLine(label_id=ClaimLabel.NAME, value="Nguyễn Thị Ánh Nguyệt"),
        pages.ClaimLine(label_id=ClaimLabel.BIRTHDATE, value="04/02/1987"),
        pages.ClaimLine(label_id=ClaimLabel.PERSONAL_NUMBER, value="001187654321", masked=True),
        pages.ClaimLine(label_id=ClaimLabel.EMAIL, value="anh.nguyet.nguyen.thi.rat.dai@thu-dien-tu.example"),
    ),
    action_url="/posted",
    form_token="token-of-the-form",
)
ASK = pages.AskPage(
    source_vi="Bảo hiểm xã hội",
    source_en="Social insurance",
    fields=(
        Field(name="number", label_id=FieldLabel.INSURANCE_NUMBER, numeric=True),
        Field(name="code", label_id=FieldLabel.ONE_TIME_CODE, secret=True, numeric=True),
    ),
    action_url="/posted",
    form_token="token-of-the-form",
)
FIRMS = (
    Organisation(
        tax_code="9900000016", name="Công ty TNHH Gốm sứ Sao Biếc", role="Giám đốc", authority="legal_representative"
    ),
    Organisation(
        tax_code="9900000023-001", name="Chi nhánh 1 - Công ty cổ phần Vận tải Sóng Lúa", authority="authorised",
        until=date(2049, 12, 31),
    ),
)  # fmt: skip
MANY_FIRMS = tuple(replace(FIRMS[0], tax_code=f"99000001{number:02}", name=f"Xưởng {number}") for number in range(20))
ACTING = pages.ActingPage(
    portal_vi=MINISTRY[0], portal_en=MINISTRY[1], person="Nguyễn Thị Ánh Nguyệt", organisations=FIRMS, complete=True,
    action_url="/posted", retry_url="/show/acting", form_token="token-of-the-form",
)  # fmt: skip
DEVICE = devices.DeviceQuestionPage(
    portal_vi=MINISTRY[0], portal_en=MINISTRY[1], user_code="BCDF-GHJK",
    began_at=datetime(2026, 11, 21, 7, 3, 22, tzinfo=UTC), network="203.0.113.7", same_network=True,
    action_url="/posted", form_token="token-of-the-form",
)  # fmt: skip
PHONE_WAIT = phone.WaitPage(
    portal_vi=MINISTRY[0], portal_en=MINISTRY[1], state="scan", step_seconds=5, action_url="/posted",
    code_url="http://idp.localhost:8400/phone/Jv5mQx0aWm1c2rXh8tZ4kE3b.7.Qk3vT0mXrL9sWc5yPz1uHg",
    back_url="/show/choose", form_token="t",
)  # fmt: skip
PHONE_QUESTION = phone.QuestionPage(
    portal_vi=MINISTRY[0], portal_en=MINISTRY[1], place="dichvu.songnuoc.example", browser="Chrome, Windows",
    began_at=datetime(2026, 11, 21, 7, 3, 22, tzinfo=UTC), same_network=True, action_url="/posted", form_token="t",
)  # fmt: skip
DEVICE_END = devices.DeviceEndPage(portal_vi=MINISTRY[0], portal_en=MINISTRY[1], outcome="approved")
DAY = datetime(2026, 11, 21, 7, 3, tzinfo=UTC)
ACCOUNT = accounts.AccountPage(
    name="Nguyễn Thị Ánh Nguyệt", level=3, add_url="/posted", form_token="t", sign_out_url="/show/sign-out",
    cards_in_use=1, cards_url="/show/cards", withdraw_url="/posted", end_url="/posted",
    sources=(
        accounts.Row(name_vi=SEN[0], name_en=SEN[1], since=DAY),
        accounts.Row(name_vi="Cổng định danh dân cư", name_en="", since=DAY),
    ),
    portals=(
        accounts.PortalRow(
            id="ministry", name_vi=MINISTRY[0], name_en=MINISTRY[1], since=DAY, reads_on=True,
            details=(ClaimLabel.NAME, ClaimLabel.BIRTHDATE, ClaimLabel.PERSONAL_NUMBER, ClaimLabel.DETAILS),
        ),
        accounts.PortalRow(id="library", name_vi="Thư viện Mây Trắng", name_en="", since=DAY, details=()),
    ),
    sessions=(
        accounts.SessionRow(id="1", name_vi=SEN[0], name_en=SEN[1], since=DAY, used=DAY, level=3, is_this=True),
        accounts.SessionRow(id="2", name_vi="Cổng định danh dân cư", name_en="", since=DAY, used=DAY, level=2),
    ),
)  # fmt: skip
CARD = cards.CardRow(
    number="7KQ2MX9HTRB4", standing="valid", issued_at=DAY, expires_at=DAY.replace(year=2027), url="/show/card"
)
CARDS = cards.CardsPage(
    cards=(
        CARD,
        replace(CARD, number="D3WJN8PFC5VZ", standing="suspended"),
        replace(CARD, number="G6RTX2KQM9HB", standing="ended"),
        replace(CARD, number="Z4V7CFP8NJWD", standing="expired"),
    ),
    account_url="/show/account", age_url="/show/age", make_url="/posted", form_token="t", nonce="n", most=5, days=365,
)  # fmt: skip
SHOWN_CARD = cards.CardPage(
    card=CARD, name="Nguyễn Thị Ánh Nguyệt", birth_date=date(1987, 2, 4), told=None,
    code=qr.drawing("6BF" + "MOTCUA0123" * 43),
    cards_url="/show/cards", suspend_url="/posted", resume_url="/posted", end_url="/show/card-end", form_token="t",
)  # fmt: skip
CARD_NOW = presence.CardNowPage(
    number=CARD.number, code=qr.drawing("6BF" + "MOTCUA0123" * 5), now=1_790_000_000, next_seconds=15, card=None,
    binding="AAAAAAAAAAAAAAAAAAAAAA", form_token="t", card_url="/show/card", code_url="/posted",
    sign_in_url="/posted", challenge_url="/posted", phone_url="/posted",
)  # fmt: skip
AGE = ages.AgePage(
    ages=(14, 16, 18, 60), action_url="/posted", cards_url="/show/cards", form_token="t", hindrance="too_young"
)
AGE_CODES = ages.AgeCodesPage(age=18, codes=(SHOWN_CARD.code,) * 2, ask_url="/show/age", cards_url="/show/cards")
OFFICE = Issuer("http://idp.localhost:8400")
COUNTER = counter.CounterPage(issuer=OFFICE.issuer, reasons=("revoked",), decode_url="/posted")
CLAIMS = (
    pages.ClaimRow(scope="openid", claim="sub", label_id=ClaimLabel.SUB),
    pages.ClaimRow(scope="profile", claim="name", label_id=ClaimLabel.NAME),
    pages.ClaimRow(scope="profile", claim="birthdate", label_id=ClaimLabel.BIRTHDATE),
    pages.ClaimRow(scope="phone", claim="phone_number_verified", label_id=ClaimLabel.PHONE_NUMBER_VERIFIED),
    pages.ClaimRow(
        scope="personal_number", claim="personal_number", label_id=ClaimLabel.PERSONAL_NUMBER, by_operator=True
    ),
)
TOLD = (
    leaving.PortalTold(name_vi=MINISTRY[0], name_en=MINISTRY[1], told="yes"),
    leaving.PortalTold(name_vi="Cổng dịch vụ tỉnh Lúa Vàng", name_en="Lua Vang Province", told="pending"),
    leaving.PortalTold(name_vi="Sổ tay khám bệnh", name_en="", told="no"),
)
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 40"><rect width="80" height="40" rx="8" fill="#0b5"/>'
    '<path d="M8 26q8-14 16 0t16 0 16 0 16 0" fill="none" stroke="#fff" stroke-width="5"/></svg>'
)
NAMED_ITSELF = pages.OfPortal(
    named_itself=NamedItself.SITE, place="dich-vu-cong.bo-noi-vu.gov.example.xn--rt-di-dang-0ya.example:8443"
)
PHONE_PAGES: dict[str, Callable[[language.Language], Response]] = {
    "choose-phone": lambda speak: pages.choose(replace(CHOICE, phone_url="/posted"), speak),
    "phone-wait": lambda speak: phone.wait(PHONE_WAIT, speak),
    "phone-wrong": lambda speak: phone.wait(replace(PHONE_WAIT, state="type", wrong=True), speak),
    "phone-question": lambda speak: phone.question(
        replace(PHONE_QUESTION, same_network=False, browser="", of_portal=NAMED_ITSELF), speak
    ),
    "phone-number": lambda speak: phone.number(
        phone.NumberPage(portal_vi=MINISTRY[0], portal_en=MINISTRY[1], number="47"), speak
    ),
    "phone-done": lambda speak: phone.end(MINISTRY, "done", speak),
    "phone-not-yet": lambda speak: phone.not_yet(Lack.SESSION, 2, "/show/choose", speak),
}
BACK = ("http://ministry.localhost:8421/", MINISTRY[0])

Show = Callable[[language.Language], Response]
SHOWN: dict[str, Show] = {
    "choose": lambda speak: pages.choose(CHOICE, speak),
    "choose-cancelled": lambda speak: pages.choose(
        replace(CHOICE, banner_id=Banner.CANCELLED, banner_source=SEN, form_targets=(_elsewhere(),)), speak
    ),
    "choose-portal": lambda speak: pages.choose(replace(CHOICE, of_portal=_of_portal()), speak),
    "choose-named-itself": lambda speak: pages.choose(replace(CHOICE, of_portal=NAMED_ITSELF), speak),
    "choose-many": lambda speak: pages.choose(replace(CHOICE, sources=CHOICE.sources + MANY), speak),
    "choose-none": lambda speak: pages.choose(replace(CHOICE, level=4, sources=CHOICE.sources[3:]), speak),
    "information": lambda speak: pages.information(INFORMATION, speak),
    "information-portal": lambda speak: pages.information(replace(INFORMATION, of_portal=_of_portal()), speak),
    "information-named-itself": lambda speak: pages.information(replace(INFORMATION, of_portal=NAMED_ITSELF), speak),
    "information-device": lambda speak: pages.information(
        replace(INFORMATION, of_portal=pages.OfPortal(named_itself=NamedItself.DEVICE)), speak
    ),
    "consent": lambda speak: pages.information(replace(INFORMATION, consent_required=True), speak),
    "consent-missing": lambda speak: pages.information(
        replace(INFORMATION, consent_required=True, consent_missing=True), speak
    ),
    "offline": lambda speak: pages.information(replace(INFORMATION, offline=True), speak),
    "anonymous": lambda speak: pages.information(replace(INFORMATION, lines=()), speak),
    "failure": lambda speak: pages.failure(
        STORE_UNREACHABLE, REQUEST_ID, speak, return_link=BACK, retry_url="/show/choose"
    ),
    "failure-portal": lambda speak: pages.failure(BAD_REDIRECT_URI, REQUEST_ID, speak),
    "failure-answered": lambda speak: pages.failure(ALREADY_ANSWERED, REQUEST_ID, speak, return_link=BACK, contact=""),
    "failure-conflict": lambda speak: pages.failure(PERSON_CONFLICT, REQUEST_ID, speak, return_link=BACK),
    "finished": lambda speak: pages.finished(speak, BACK),
    "finished-alone": pages.finished,
    "sign-out": lambda speak: leaving.sign_out_question(
        leaving.SignOutPage(
            action_url="/posted", form_token="t", portals=tuple((portal.name_vi, portal.name_en) for portal in TOLD)
        ),
        speak,
    ),
    "signed-out": lambda speak: leaving.signed_out(leaving.SignedOutPage(told=TOLD, return_link=BACK), speak),
    "signed-out-alone": lambda speak: leaving.signed_out(leaving.SignedOutPage(), speak),
    "signed-out-onward": lambda speak: leaving.signed_out(
        leaving.SignedOutPage(
            told=TOLD[:2], frames=(f"{_elsewhere()}/landed",), onward=(f"{_elsewhere()}/landed?state=a+b", MINISTRY[0])
        ),
        speak,
    ),
    "auto-post": lambda speak: pages.auto_post(
        pages.AutoPostPage(url=f"{_elsewhere()}/landed", fields=(("SAMLRequest", "PHNhbWw+"),), to=SEN[0]), speak
    ),
    "onward": lambda speak: pages.onward(f"{_elsewhere()}/landed?code=a+b&state=c", MINISTRY[0], speak),
    "ask": lambda speak: pages.ask(ASK, speak),
    "ask-wrong": lambda speak: pages.ask(replace(ASK, fields=ASK.fields[1:], problem_id=Problem.WRONG_CODE), speak),
    "ask-code": lambda speak: pages.ask(
        replace(ASK, fields=ASK.fields[1:], note_id=Note.CODE_SENT, note_values=(("phone", "456"),)), speak
    ),
    "acting": lambda speak: pages.acting(ACTING, speak),
    "acting-none": lambda speak: pages.acting(replace(ACTING, organisations=()), speak),
    "acting-silent": lambda speak: pages.acting(replace(ACTING, organisations=FIRMS[:1], complete=False), speak),
    "acting-not-theirs": lambda speak: pages.acting(replace(ACTING, not_theirs=True), speak),
    "acting-many": lambda speak: pages.acting(replace(ACTING, organisations=MANY_FIRMS), speak),
    "information-acting": lambda speak: pages.information(
        replace(
            INFORMATION,
            acting_for=FIRMS[0].name,
            acting_url="/show/acting",
            lines=(*INFORMATION.lines[:2], pages.ClaimLine(label_id=ClaimLabel.ORG_NAME, value=FIRMS[0].name)),
        ),
        speak,
    ),
    "device": lambda speak: devices.code(devices.DeviceCodePage(action_url="/posted"), speak),
    "device-filled-in": lambda speak: devices.code(
        devices.DeviceCodePage(action_url="/posted", user_code="BCDF-GHJK"), speak
    ),
    "device-wrong": lambda speak: devices.code(
        devices.DeviceCodePage(action_url="/posted", user_code="bcdf ghjx", wrong=True), speak
    ),
    "device-question": lambda speak: devices.question(DEVICE, speak),
    "device-question-named-itself": lambda speak: devices.question(
        replace(DEVICE, of_portal=pages.OfPortal(named_itself=NamedItself.DEVICE)), speak
    ),
    "device-elsewhere": lambda speak: devices.question(replace(DEVICE, same_network=False), speak),
    "device-approved": lambda speak: devices.end(DEVICE_END, speak),
    "device-number": lambda speak: devices.end(replace(DEVICE_END, number="47"), speak),
    "device-counter": lambda speak: devices.question(
        replace(DEVICE, place="songnuoc.example", message="Quầy 3, nhận lại sổ hộ khẩu", at_counter=True), speak
    ),
    "device-declined": lambda speak: devices.end(replace(DEVICE_END, outcome="declined"), speak),
    "device-gone": lambda speak: devices.end(replace(DEVICE_END, outcome="gone"), speak),
    **PHONE_PAGES,
    "account": lambda speak: accounts.account(ACCOUNT, speak),
    "account-new": lambda speak: accounts.account(
        replace(ACCOUNT, name=None, cards_in_use=0, portals=(), sessions=ACCOUNT.sessions[:1]), speak
    ),
    "account-stranger": lambda speak: accounts.stranger("/show/choose", speak),
    "cards": lambda speak: cards.cards(CARDS, speak),
    "cards-hindered": lambda speak: cards.cards(replace(CARDS, cards=(), hindrance="name_unknown"), speak),
    "cards-too-weak": lambda speak: cards.too_weak(
        cards.TooWeakPage(level=1, needed=2, sign_in_url="/show/choose", account_url="/show/account"), speak
    ),
    "card": lambda speak: cards.card(SHOWN_CARD, speak),
    "card-suspended": lambda speak: cards.card(
        replace(SHOWN_CARD, card=replace(CARD, standing="suspended"), told="suspended", birth_date=None), speak
    ),
    "card-end": lambda speak: cards.end_card(
        cards.EndCardPage(number=CARD.number, action_url="/posted", card_url="/show/card", form_token="t"), speak
    ),
    "age": lambda speak: ages.ask(AGE, speak),
    "age-codes": lambda speak: ages.codes(AGE_CODES, speak),
    "card-now": lambda speak: presence.card_now(CARD_NOW, speak),
    "counter": lambda speak: counter.counter(COUNTER, speak),
    "home": lambda speak: pages.home(speak, "/show/claims"),
    "claims": lambda speak: pages.claims_table(CLAIMS, speak),
}


def create(**overrides: Any) -> Flask:
    """The preview under those settings; a page is at /show/<name>, a form's post at /posted."""
    app = Flask("preview", static_folder=None)
    chosen = {"mode": "test", "issuer": "http://idp.localhost:8400", "contact": "hotro@motcua.example", **overrides}
    app.config["SETTINGS"] = settings.load(**chosen)
    register(app)
    app.add_url_rule("/show/<name>", view_func=_show)
    app.add_url_rule("/logo.svg", view_func=lambda: Response(LOGO, mimetype="image/svg+xml"), endpoint="logo")
    app.register_blueprint(CounterPages(issuer=OFFICE.issuer).blueprint())  # the scripts ask for all of these
    app.add_url_rule("/trust-list", view_func=lambda: OFFICE.trust_list(clock.seconds()), endpoint="trust")
    app.add_url_rule("/status-lists/1", view_func=lambda: OFFICE.status_list(clock.seconds()), endpoint="statuses")
    app.add_url_rule("/posted", view_func=_posted, methods=["POST"])
    app.add_url_rule("/landed", view_func=lambda: "landed", endpoint="landed", methods=["GET", "POST"])
    app.add_url_rule("/hop", view_func=lambda: redirect(f"{_elsewhere('province')}/landed"), endpoint="hop")
    app.register_error_handler(404, lambda _: pages.failure(NOT_FOUND, REQUEST_ID, language.of_request()))
    return app


def _of_portal() -> pages.OfPortal:
    return pages.OfPortal(
        logo_url=f"{_elsewhere()}/logo.svg",
        policy_url=f"{_elsewhere()}/landed",
        terms_url=f"{_elsewhere()}/landed?terms",
    )


def _show(name: str) -> Response:
    return SHOWN[name](language.of_request())


def _posted() -> Response:
    """Answers as the broker will: by sending the browser to another party, or by showing what arrived."""
    there = request.form.get("source", "")
    if there == "sen":
        return redirect(f"{_elsewhere()}/landed", 303)  # type: ignore[return-value]
    if there == "tre":
        return redirect(f"{_elsewhere()}/hop", 303)  # type: ignore[return-value]
    arrived = "&".join(f"{name}={value}" for name, value in request.form.items())
    return Response(f"{request.headers.get('Origin', '-')} {arrived}", mimetype="text/plain")


def _elsewhere(party: str = "ministry") -> str:
    return f"http://{party}.localhost:{urlsplit(request.host_url).port or 80}"
