"""Somebody comes by a source, as a case worker tells it, and what became of it: on the page, at the portal, on record.

What a source has on file of somebody is set in words that are the same for all sources (`FIELDS`); what is not set is
as the sandbox invented it. What clerks do goes through the functions behind `idp cases` and `idp people`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from connectors.sandbox.cast import ONE_TIME_CODE
from connectors.sandbox.citizen import Citizen
from connectors.sandbox.insurance.records import InsuranceFile
from connectors.sandbox.population import DEFAULT_SEED, Population
from idp.cases import By, Case, Decision, Joining
from idp.storage import Transaction
from tests.journeys.reading import CarefulBrowser, code_on, events, lines, refusals, says, session_of, ways_on, words
from tests.journeys.visits import decided, home, typed
from tests.world import CITIZENS, Asked, Page, Portal, World

FIELDS: dict[str, dict[str, str]] = {
    "bank": {
        "name": "name", "born": "birthdate", "number": "national_id", "former": "old_national_id",
        "phone": "phone_number", "sex": "gender", "email": "email",
    },
    "population": {
        "name": "fullName", "born": "birthDate", "number": "citizenPid", "former": "formerIdentityNumber",
        "parts": "nameParts", "birth_place": "placeOfBirthRegistration", "sex": "gender",
    },
    "tax": {
        "name": "hoTen", "born": "ngaySinh", "number": "soDinhDanh", "former": "soCmnd", "tax_code": "maSoThue",
        "phone": "dienThoai", "email": "email", "sex": "gioiTinh",
    },
    "insurance": {"name": "hoTen", "born": "ngaySinh", "number": "soCCCD", "sex": "gioiTinh"},
}  # fmt: skip
FIELDS["second-bank"] = FIELDS["bank"]

Changed = TypeVar("Changed")
BY = By(operator="lan", reason="letter 7")

# Far apart: of two numbers that differ in one digit one may be the other mistyped.
_serials = (one * 618_033 % 1_000_000 for one in itertools.count(1))
_insured = InsuranceFile(Population(DEFAULT_SEED, CITIZENS), DEFAULT_SEED)


def insured(citizen: Citizen) -> bool:
    """Whether social insurance has the person, and a telephone to send a code to."""
    record = _insured.of(citizen)
    return record is not None and record.phone is not None


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A citizen of the sandbox, whom all sources have on file as this."""

    account: Citizen
    name: str
    number: str
    born: str  # YYYY-MM-DD or YYYY
    phone: str


@dataclass(frozen=True, kw_only=True)
class Came:
    """Somebody was let in: what the portal knows, what the person was told first, and by which rule it was they."""

    sub: str
    told: Mapping[str, Any]
    level: str
    rule: tuple[str, str]
    person_id: bytes
    browser: CarefulBrowser
    access_token: str


@dataclass(frozen=True, kw_only=True)
class Turned:
    """Somebody was sent away: the page that they see, the code on record, and the case that clerks find."""

    page: Page
    code: str
    case: Case | None

    @property
    def rule(self) -> tuple[str, str] | None:
        return None if self.case is None else (self.case.outcome, self.case.rule)


@dataclass
class Desk:
    country: World
    people: Iterator[Citizen]
    new_portal: Callable[[], Portal]
    portal: Portal
    _filed: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)

    # ---- who there is ----

    def somebody(self, name: str, born: str = "1958-05-12", *, female: bool = True, **more: str) -> Somebody:
        """Somebody with this name and birth date, and numbers of their own, whom every source has rightly on file."""
        account = next(citizen for citizen in self.people if insured(citizen))
        year, serial = int(born[:4]), next(_serials)
        number = more.get("number") or f"001{(year // 100 - 19) * 2 + female}{year % 100:02}{serial:06}"
        one = Somebody(account=account, name=name, number=number, born=born, phone=more.get("phone") or account.phone)
        papers = {"name": name, "number": number, "former": more.get("former"), "sex": "Nữ" if female else "Nam"}
        day_first = "/".join(reversed(born.split("-")))
        self.files("population", one, **papers, born=day_first, parts=None)
        for bank in ("bank", "second-bank"):
            self.files(bank, one, **papers, born=born, phone=one.phone, email=None)
        self.files("tax", one, **papers, born=day_first, tax_code=number, phone=one.phone, email=None)
        self.files("insurance", one, name=name, number=number, born=day_first, sex=papers["sex"])
        return one

    def as_invented(self) -> Somebody:
        """Somebody whom the sources have as the sandbox invented them."""
        account = next(citizen for citizen in self.people if insured(citizen))
        return Somebody(
            account=account, name=account.full_name, number=account.personal_number, born=account.birth_date,
            phone=account.phone,
        )  # fmt: skip

    def files(self, source: str, one: Somebody, **said: Any) -> None:
        """From now on the source has this on file of the person, beside what it had; None: it has no such thing."""
        address, whose = self.country.sources[source], (source, one.account.personal_number)
        before, claims = self._filed.get(whose, (None, {}))
        claims = claims | {FIELDS[source][name]: value for name, value in said.items()}
        if before is not None:
            self.country.http.delete(f"{address}/_sandbox/faults/{before}", timeout=10).raise_for_status()
        fault = {"fault": "other_claims", "citizen": one.account.personal_number, "claims": claims}
        answer = self.country.http.post(f"{address}/_sandbox/faults", json=fault, timeout=10)
        answer.raise_for_status()
        self._filed[whose] = answer.json()["ids"][0], claims

    # ---- who comes ----

    def comes(self, source: str, one: Somebody, portal: Portal | None = None) -> Came:
        """The person signs in from a browser of their own, and the portal redeems what comes of it."""
        portal, browser = portal or self.portal, CarefulBrowser(self.country.issuer)
        request = portal.ask()
        page = self._after_source(browser, request, portal, source, one)
        tokens = self.country.redeemed(portal, request, browser.answer(page, portal))
        [event] = events(self.country, "signed_in", session_id=session_of(self.country, browser))
        assert event["source_id"] == source
        return Came(
            sub=tokens.claims["sub"], told=tokens.userinfo, level=tokens.claims["acr"], browser=browser,
            rule=(event["details"]["outcome"], event["details"]["rule"]),
            person_id=bytes.fromhex(event["person_id"]), access_token=tokens.access_token,
        )  # fmt: skip

    def turned_away(self, source: str, one: Somebody, *others: Somebody) -> Turned:
        """Nobody is signed in, and the page names none of these people; the case is found by the number that it shows.

        The page has ways on, and is the same for all who may be somebody else's papers.
        """
        browser = CarefulBrowser(self.country.issuer)
        page = self._after_source(browser, self.portal.ask(), self.portal, source, one)
        assert page.status == 403 and browser.session_cookie() is None, (page.status, page.url, words(page))
        assert len(ways_on(page)) == 2, "another way to sign in, and back to the portal"
        for each in (one, *others):
            assert each.name not in words(page) and each.number not in page.html
        code, by = refusals(self.country, self.portal)[-1]
        assert by == source
        case = self.country.house.cases.find(lines(page)[says("failure.request")])
        if code == "P01":
            assert case is not None and case.id not in page.html
            assert says("error.P01.title") in words(page) and code_on(page) is None
        return Turned(page=page, code=code, case=case)

    def page_after(self, source: str, one: Somebody) -> Page:
        """Where somebody comes to from the source."""
        return self._after_source(CarefulBrowser(self.country.issuer), self.portal.ask(), self.portal, source, one)

    def _after_source(
        self, browser: CarefulBrowser, request: Asked, portal: Portal, source: str, one: Somebody
    ) -> Page:  # fmt: skip
        page = browser.submit(browser.open_at(request.url, portal), {"source": source}, follow=False)
        page = browser.submit(page) if page.onward is None else browser.follow(page)
        if source == "insurance":
            record = _insured.of(one.account)
            assert record is not None
            page = typed(browser, page, portal, number=record.insurance_number)
            return typed(browser, page, portal, code=ONE_TIME_CODE)
        if source in ("tax", "signer"):
            return home(browser, decided(browser, page, citizen=one.account.personal_number), portal)
        return browser.at_source(page, portal, citizen=one.account.personal_number)

    # ---- what clerks do ----

    def case_again(self, turned: Turned) -> Case:
        """The case as it stands now."""
        assert turned.case is not None
        case = self.country.house.cases.find(turned.case.id)
        assert case is not None
        return case

    def one_clerk_says(self, turned: Turned, what: str, person_id: bytes | None = None, **more: Any) -> str:
        """What one clerk alone makes of the case; the state that it is in then."""
        decision = Decision(what=what, person_id=person_id, reason="letter 7", **more)
        with self.country.house.database.write() as tx:
            return self.country.house.cases.decide(tx, self.case_again(turned), decision, "lan")

    def another_agrees(self, turned: Turned) -> bytes:
        """A second clerk has looked; the change that it came to."""
        with self.country.house.database.write() as tx:
            return self.country.house.cases.approve(tx, self.case_again(turned), "minh")

    def clerks(self, does: Callable[[Joining, Transaction], Changed]) -> Changed:
        """What is done to people as by `idp people`, in a transaction of its own."""
        with self.country.house.database.write() as tx:
            return does(self.country.house.joining, tx)

    def two_clerks_link(self, turned: Turned, person_id: bytes, **more: Any) -> bytes:
        assert self.one_clerk_says(turned, "link", person_id, **more) == "proposed"
        return self.another_agrees(turned)
