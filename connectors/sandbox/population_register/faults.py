"""Every way in which the population register can be told to fail or to lie, and at which of its operations."""

from __future__ import annotations

from enum import StrEnum

PATH = "/ws/dan-cu"
PATHS = {PATH: "soap"}  # before it is known which operation is meant

VERIFY, LOOK_UP, CHANGES = OPERATIONS = ("verify", "look_up", "changes")


class FaultName(StrEnum):
    SLOW = "slow"
    DOWN = "down"

    SOAP_FAULT = "soap_fault"  # the register's own: soap:Server
    XROAD_FAULT = "xroad_fault"  # Server.ServerProxy.ServiceFailed
    TRUNCATED_XML = "truncated_xml"
    GARBAGE = "garbage"  # no XML at all, though it says so
    HTML = "html"  # a page of some proxy, with status 200
    HUGE_BODY = "huge_body"  # more than 2 MiB, otherwise right
    LARGE_BODY = "large_body"  # half a MiB, otherwise right
    DEEP_XML = "deep_xml"
    XXE = "xxe"  # an external entity in the answer
    BILLION_LAUGHS = "billion_laughs"
    WRONG_ID_ECHOED = "wrong_id_echoed"
    WRONG_CLIENT_ECHOED = "wrong_client_echoed"
    WRONG_SERVICE_ECHOED = "wrong_service_echoed"
    HALF_HEADERS = "half_headers"  # says neither for whom nor whose the answer is

    WRONG_PERSON = "wrong_person"  # an answer about another number
    CONTRADICTORY = "contradictory"  # there is nobody, and they are alive; there are two; one change twice
    MISSING_ELEMENT = "missing_element"
    SAYS_DECEASED = "says_deceased"
    SAYS_DIFFERS = "says_differs"
    TELLS_OF_A_STRANGER = "tells_of_a_stranger"  # that it differs, and whose details it has

    FEED_GOES_BACK = "feed_goes_back"
    FEED_NEVER_ENDS = "feed_never_ends"
    FEED_REPEATS = "feed_repeats"  # what was told before comes again, and the order is lost


AVAILABILITY = frozenset({FaultName.SLOW, FaultName.DOWN})
FAULTS = frozenset({FaultName.SOAP_FAULT, FaultName.XROAD_FAULT})
BODY = frozenset({
    FaultName.TRUNCATED_XML, FaultName.GARBAGE, FaultName.HTML, FaultName.HUGE_BODY, FaultName.LARGE_BODY,
    FaultName.DEEP_XML, FaultName.XXE, FaultName.BILLION_LAUGHS,
})  # fmt: skip
HEADERS = frozenset({
    FaultName.WRONG_ID_ECHOED, FaultName.WRONG_CLIENT_ECHOED, FaultName.WRONG_SERVICE_ECHOED, FaultName.HALF_HEADERS,
})  # fmt: skip
CONTENT = frozenset({FaultName.WRONG_PERSON, FaultName.CONTRADICTORY, FaultName.MISSING_ELEMENT})
VERDICTS = frozenset({FaultName.SAYS_DECEASED, FaultName.SAYS_DIFFERS, FaultName.TELLS_OF_A_STRANGER})
FEED = frozenset({FaultName.FEED_GOES_BACK, FaultName.FEED_NEVER_ENDS, FaultName.FEED_REPEATS})

CATALOGUE: dict[str, frozenset[str]] = {
    **dict.fromkeys(AVAILABILITY, frozenset({"soap"})),
    **dict.fromkeys(FAULTS | BODY | HEADERS | CONTENT, frozenset(OPERATIONS)),
    **dict.fromkeys(VERDICTS, frozenset({VERIFY})),
    **dict.fromkeys(FEED, frozenset({CHANGES})),
}
