"""People in the database: recognised in the commit that signs them in, sealed, and known to each sector by one sub."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Assertion, Identifier, IdentifierType, Name
from connectors.registers import Agreement, Verdict
from idp import clock, errors
from idp.errors import Refused
from idp.house import House
from idp.people import Checked, Recognised, Undecided
from idp.people.models import PersonRow, SubjectRow
from idp.seal import BadSeal
from idp.storage.database import Conflict
from tests.oidc.residents import assertion


def recognise(house: House, said: Assertion, source: str = "population", proofing: int = 3) -> Recognised:
    with house.database.write() as tx:
        return house.people.recognise(tx, said, source, proofing)


def events(house: House) -> list[str]:
    return [event["event"] for event in house.audit.export()]


def test_who_was_here_before_is_recognised(house: House) -> None:
    said = assertion()
    first, second = recognise(house, said), recognise(house, said)
    assert (first.outcome, second.outcome) == ("NEW", "MATCH")
    assert (first.rule, second.rule) == ("number-unknown", "link")
    assert first.person.id == second.person.id
    assert events(house) == ["person_made"]


def test_two_sources_mean_one_person(house: House) -> None:
    said = assertion()
    at_the_bank = replace(
        said, issuer="http://bank.localhost", subject="customer 7", name=Name(full="NGUYEN THI MAI ANH")
    )
    first = recognise(house, said)
    second, third = (recognise(house, at_the_bank, "bank", 2) for _ in range(2))
    assert first.person.id == second.person.id == third.person.id
    assert (second.rule, third.rule) == ("number-name-birth", "link")
    assert third.person.name == "Nguyễn Thị Mai Anh"  # the register's spelling stays


@pytest.mark.parametrize("kind", [IdentifierType.TAX_CODE, IdentifierType.INSURANCE_NUMBER])
def test_a_code_that_is_the_personal_number_is_known_as_that(house: House, kind: IdentifierType) -> None:
    """Tax codes since July 2025, insurance numbers since August: the register can be asked about such a person too."""
    number = "079192000017"
    at_the_office = replace(assertion(), identifiers=(Identifier(type=kind, value=number),))
    asked = house.people.pivot(at_the_office, "tax", 2)
    assert asked is not None
    assert asked.identifier == Identifier(type=IdentifierType.PERSONAL_NUMBER, value=number)
    assert recognise(house, at_the_office, "tax", 2).person.personal_number == number


def test_two_people_are_two_people(house: House) -> None:
    assert recognise(house, assertion()).person.id != recognise(house, assertion()).person.id


def test_the_same_subject_at_another_issuer_is_somebody_else(house: House) -> None:
    """A source that is pointed at another issuer meets other people."""
    first = recognise(house, assertion(subject="7", issuer="http://one.localhost"))
    second = recognise(house, assertion(subject="7", issuer="http://other.localhost"))
    assert first.person.id != second.person.id


def test_a_number_from_who_proofed_nobody_links_nobody(house: House) -> None:
    """Whoever opens an account in somebody's name is not them."""
    victim = assertion()
    known = recognise(house, victim)
    typed = recognise(house, replace(victim, subject="self-made", proofing=1), "accounts", 1)
    assert typed.person.id != known.person.id
    assert (typed.outcome, typed.rule) == ("NEW", "subject-alone")
    assert typed.person.personal_number is None


def test_what_disagrees_is_refused_and_changes_nothing(house: House) -> None:
    said = assertion()
    known = recognise(house, said).person
    with pytest.raises(Refused) as refused:
        recognise(house, replace(said, subject="other", name=Name(full="Lê Văn Tám"), phone="0999999999"), "bank", 3)
    assert (refused.value.failure, refused.value.detail) == (errors.PERSON_CONFLICT, "name-differs")
    assert house.people.find(known.id) == known
    assert "Lê Văn Tám" not in str(refused.value)


def test_who_is_barred_is_not_let_in_by_any_door(house: House) -> None:
    said = assertion()
    known = recognise(house, said).person
    with house.database.write() as tx:
        assert house.people.set_status(tx, known.id, "deceased", "the register said so")
        assert not house.people.set_status(tx, b"nobody", "barred", "a slip")
    for source, subject in (("population", said.subject), ("bank", "customer 7")):
        with pytest.raises(Refused) as refused:
            recognise(house, replace(said, subject=subject), source)
        assert refused.value.failure is errors.PERSON_BARRED
    assert events(house) == ["person_made", "person_status_changed"]


def test_of_two_first_sign_ins_at_one_moment_the_second_is_done_again(house: House) -> None:
    said, start, outcomes = assertion(), threading.Barrier(4), []

    def sign_in(source: str) -> None:
        start.wait()
        while True:
            try:
                outcomes.append(recognise(house, replace(said, subject=source), source).person.id)
                return
            except Conflict:
                continue

    threads = [threading.Thread(target=sign_in, args=(f"source-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert len(set(outcomes)) == 1
    assert events(house).count("person_made") == 1


def test_a_rectification_is_on_record_without_what_it_says(house: House) -> None:
    said = assertion()
    recognise(house, said, proofing=2)
    changed = recognise(house, replace(said, phone="0999999999"), proofing=2)
    assert changed.person.phone == "0999999999"
    assert changed.person.version == 2
    (_, event) = house.audit.export()
    assert (event["event"], event["details"]) == ("person_rectified", {"attributes": ["phone"]})


def test_nothing_personal_is_kept_in_clear(house: House) -> None:
    said = assertion(birth_place="Huế", nationality="VN")
    recognise(house, said)
    with house.database.engine.connect() as connection:
        (row,) = connection.execute(PersonRow.__table__.select())
    kept = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    for secret in ("Mai Anh", "1992", said.identifiers[0].value, "example.vn", "0912345678", "Huế"):
        assert secret.encode() not in kept


def test_attributes_cannot_be_moved_to_another_person(house: House) -> None:
    """They are sealed to their place."""
    anh, chi = recognise(house, assertion()).person, recognise(house, assertion()).person
    with house.database.engine.connect() as connection:
        rows = {bytes(row.id): bytes(row.attributes) for row in connection.execute(PersonRow.__table__.select())}
    assert house.people.opened(anh.id, "active", 1, rows[anh.id]).name
    with pytest.raises(BadSeal):
        house.people.opened(anh.id, "active", 1, rows[chi.id])


# ---- subs (OpenID Connect Core section 8.1) ----


def told(house: House, person_id: bytes, client_id: str, sector: str, **changes: Any) -> str:
    with house.database.write() as tx:
        given: dict[str, Any] = {"claim_names": ["name"], "agreed": False} | changes
        house.people.keep_told(tx, person_id=person_id, client_id=client_id, sector=sector, **given)
    row = next(sub for sub in _subs(house, person_id) if sub[0] == sector)
    return row[1]


def _subs(house: House, person_id: bytes) -> list[tuple[str, str]]:
    with house.database.engine.connect() as connection:
        rows = connection.execute(SubjectRow.__table__.select())
        return [(row.sector, row.sub) for row in rows if bytes(row.person_id) == person_id]


def test_a_sub_is_minted_once_for_each_sector_and_stays(house: House) -> None:
    said = assertion()
    mai = recognise(house, said).person
    first = told(house, mai.id, "ministry", "ministry.example")
    recognise(house, replace(said, name=Name(full="Nguyễn Thị Mai Anh"), phone="0999999999", email="new@example.vn"))
    assert told(house, mai.id, "sister", "ministry.example") == first
    assert told(house, mai.id, "ministry", "ministry.example", claim_names=["email"]) == first
    other = told(house, mai.id, "province", "province.example")
    assert other != first
    assert house.people.by_sub("ministry.example", first) == mai.id
    assert house.people.by_sub("province.example", first) is None


def test_a_sub_betrays_nothing(house: House) -> None:
    mai, lan = recognise(house, assertion()).person, recognise(house, assertion()).person
    subs = [told(house, person.id, "ministry", "ministry.example") for person in (mai, lan)]
    assert subs[0] != subs[1]
    for sub in subs:
        assert len(sub) == 43
        assert mai.id.hex() not in sub
        assert str(mai.personal_number) not in sub


@pytest.mark.parametrize("sub", ["", "nobody", "\ud800", "a\x00b", "x" * 10_000, "s\u1ee5b", "' or 1=1", "%"])
def test_what_cannot_be_a_sub_is_nobody_s(house: House, sub: str) -> None:
    assert house.people.by_sub("ministry.example", sub) is None


def test_a_person_without_a_number_gains_one_when_somebody_vouches_for_it(house: House) -> None:
    said = assertion()
    number = said.identifiers[0]
    weak = recognise(house, said, "accounts", 1)
    strong = recognise(house, said, "accounts", 2)
    assert strong.person.id == weak.person.id
    assert strong.person.personal_number == number.value
    elsewhere = recognise(house, replace(said, subject="customer 7"), "bank", 2)
    assert elsewhere.person.id == weak.person.id


def test_one_number_is_one_person_s(house: House) -> None:
    """Somebody known without a number, who then brings one that another person has, is a conflict."""
    mai = assertion()
    recognise(house, mai)
    lan = assertion(identifiers=(), proofing=1)
    recognise(house, lan, "accounts", 1)
    claimed = replace(
        lan, identifiers=(Identifier(type=IdentifierType.PERSONAL_NUMBER, value=mai.identifiers[0].value),)
    )
    with pytest.raises(Refused) as refused:
        recognise(house, claimed, "accounts", 2)
    assert refused.value.detail == "link-and-number-are-two-people"


def verdict_of(agreement: Agreement) -> Checked:
    said = Verdict(agreement=agreement, alive=True, at=clock.now(), evidence=b"v" * 32)
    return Checked(source_id="register", verdict=said, asked_at=clock.milliseconds())


def test_whose_new_name_the_register_agrees_with_is_the_same_person(house: House) -> None:
    said = assertion()
    first = recognise(house, said)
    married = replace(said, issuer="http://bank.localhost", subject="7", name=Name(full="Trần Thị Mai Anh"))
    with house.database.write() as tx:
        found = house.people.recognise(tx, married, "bank", 2, verdict_of(Agreement.AGREES))
    assert (found.person.id, found.rule) == (first.person.id, "register-agrees")
    assert set(found.person.names) == {"Nguyễn Thị Mai Anh", "Trần Thị Mai Anh"}
    assert recognise(house, said).person.id == first.person.id


@pytest.mark.parametrize("checked", [None, Agreement.DIFFERS, Agreement.UNKNOWN])
def test_a_new_name_that_the_register_does_not_agree_with_comes_to_a_clerk(
    house: House, checked: Agreement | None
) -> None:
    said = assertion()
    recognise(house, said)
    other = replace(said, issuer="http://bank.localhost", subject="7", name=Name(full="Trần Thị Mai Anh"))
    asked = Checked(source_id="register", verdict=None, asked_at=0) if checked is None else verdict_of(checked)
    with pytest.raises(Undecided, match="name-differs"), house.database.write() as tx:
        house.people.recognise(tx, other, "bank", 2, asked)


def test_a_barred_person_is_not_let_in_by_a_new_name(house: House) -> None:
    said = assertion()
    first = recognise(house, said)
    with house.database.write() as tx:
        house.people.set_status(tx, first.person.id, "barred", "letter")
    other = replace(said, issuer="http://bank.localhost", subject="7", name=Name(full="Trần Thị Mai Anh"))
    with pytest.raises(Refused), house.database.write() as tx:
        house.people.recognise(tx, other, "bank", 2, verdict_of(Agreement.AGREES))
