"""A sign-in under way: begun, found again by its own browser only, and what the person decided on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network

from idp import clock, entropy, errors
from idp.audit import Audit
from idp.broker.shelf import KEPT_SECONDS, Login, Shelf
from idp.broker.steps import Need, Progress, Step, acts_for, names_to_tell, next_step, owes_consent
from idp.clients import Client, Clients
from idp.clients.own import own_client
from idp.errors import Failure, Refused
from idp.people import People, claims
from idp.people.claims import ClaimValue, Release
from idp.registers import Checking
from idp.seal import Sealer, to_text
from idp.sessions import Sessions, Standing
from idp.sessions.cookies import Cookies
from idp.settings import Settings
from idp.storage import Database, ShortLived


@dataclass(frozen=True, kw_only=True)
class Started:
    login_id: str
    cookies: tuple[str, ...]  # Set-Cookie values


class Journey:
    def __init__(
        self, *, database: Database, short_lived: ShortLived, shelf: Shelf, clients: Clients, people: People,
        sessions: Sessions, audit: Audit, sealer: Sealer, cookies: Cookies, settings: Settings, checking: Checking,
    ) -> None:  # fmt: skip
        self._database = database
        self._short_lived = short_lived
        self._shelf = shelf
        self._clients = clients
        self._people = people
        self._sessions = sessions
        self._audit = audit
        self._sealer = sealer
        self._cookies = cookies
        self._settings = settings
        self._checking = checking
        self.own = own_client(settings)  # our own pages, as portals are known

    def start(self, need: Need, request: str, cookies: Mapping[str, str], network: str) -> Started:
        """A sign-in is under way, bound to this browser; raises Refused for a flood from one network."""
        self.count_network(network)
        login_id, secret = entropy.ordered_id().hex(), entropy.opaque_value()
        expires_at = clock.seconds() + self._settings.lifetimes.login_seconds
        mark = entropy.fingerprint(secret).hex()
        self._shelf.keep_login(Login(id=login_id, need=need, request=request, browser=mark, expires_at=expires_at))
        surplus = self._cookies.clear_surplus_logins(cookies, self._settings.limits.logins_per_browser)
        return Started(login_id=login_id, cookies=(*surplus, self._cookies.set_login(login_id, secret, KEPT_SECONDS)))

    def count_network(self, network: str) -> None:
        """One more thing is kept for this network; raises Refused for a flood. IPv6 counts by /64, one customer's."""
        per_minute = self._short_lived.count(f"begun:{customer_of(network)}", 60)
        if per_minute > self._settings.limits.logins_per_network_per_minute:
            raise Refused(errors.TOO_MANY, "sign-ins from one network")

    def network_name(self, network: str) -> str:
        """What connectors may call the network that a browser is on: it tells nothing, and stays the same."""
        return to_text(self._sealer.index("network", customer_of(network)))

    def login(self, login_id: str, cookies: Mapping[str, str]) -> Login:
        """The sign-in, if it is this browser's; raises Refused."""
        login = self._shelf.login(login_id)
        if login is None:
            raise Refused(errors.LOGIN_GONE)
        if not self.is_of(login, cookies):
            raise Refused(errors.OTHER_BROWSER)
        return login

    def is_of(self, login: Login, cookies: Mapping[str, str]) -> bool:
        """Whether this browser began the sign-in."""
        secret = self._cookies.login(cookies, login.id)
        return secret is not None and entropy.same(entropy.fingerprint(secret).hex(), login.browser)

    def form_token(self, login: Login, cookies: Mapping[str, str]) -> str:
        """What a form of this sign-in must bring back: known only to this browser and to us."""
        secret = self._cookies.login(cookies, login.id) or ""
        return to_text(self._sealer.index("form.sign-in", f"{login.id}:{secret}"))

    def shown_to(self, standing: Standing) -> str:
        """A mark of whom a page was shown to: what is decided on it must not count for whoever came after."""
        return to_text(self._sealer.index("form.shown-to", standing.session_id.hex()))

    def check_form(self, login: Login, cookies: Mapping[str, str], token: str) -> None:
        """Raises Refused for a form that is not this browser's own."""
        if not entropy.same(token, self.form_token(login, cookies)):
            raise Refused(errors.BAD_FORM)

    def client_of(self, login: Login) -> Client:
        """The portal that asked, still switched on; raises Refused."""
        if login.need.is_our_own:
            return self.own
        client = self._clients.find(login.need.client_id)
        if client is None or not client.enabled:
            raise Refused(errors.CLIENT_DISABLED, login.need.client_id)
        return client

    def standing(self, client: Client, cookies: Mapping[str, str]) -> Standing | None:
        return self._sessions.standing(self._cookies.session(cookies), client)

    def step(self, login: Login, client: Client, standing: Standing | None) -> Step:
        progress = Progress() if standing is None else self._shelf.progress(login.id, standing.session_id)
        return next_step(login.need, client, standing, progress)

    def check(self, login: Login, standing: Standing) -> None:
        """The population register was asked about the person again, if it answers; raises Refused."""
        try:
            self._checking.at_single_sign_on(standing)
        except Refused as problem:
            self._audit.refused(
                problem.failure, client_id=login.need.client_id, person_id=standing.person_id,
                session_id=standing.session_id,
            )  # fmt: skip
            raise
        self._shelf.note_checked(login.id, standing.session_id)

    def values_to_tell(self, login: Login, standing: Standing) -> dict[str, ClaimValue]:
        """What the portal will be able to read, by claim, for the person to see first."""
        person = self._people.find(standing.person_id)
        if person is None:
            raise Refused(errors.PERSON_BARRED, "the person is gone")
        mandate = acts_for(login.need, standing)
        release = Release(
            person=person, sub=standing.sub or "", level=standing.level, source_kind=standing.source_kind,
            organisation=None if mandate is None else mandate.organisation,
        )  # fmt: skip
        return claims.released(names_to_tell(login.need, standing), release)

    def told(self, login: Login, client: Client, standing: Standing, *, agreed: bool) -> None:
        """It is kept that the person was told and went on; raises Refused where consent is owed and was not given."""
        if owes_consent(login.need, client) and not agreed:
            raise Refused(errors.CONSENT_REQUIRED)
        # What was told before counts on, unless this portal needs consent and what was told was never agreed to.
        counts = standing.agreed or not client.consent_required
        before = standing.told_claims or () if counts else ()
        shown = names_to_tell(login.need, standing)
        names = tuple(dict.fromkeys((*before, *shown)))
        with self._database.write() as tx:
            self._people.keep_told(
                tx, person_id=standing.person_id, client_id=client.id, sector=client.sector, claim_names=names,
                agreed=agreed, offline=login.need.offline or (counts and standing.told_offline),
            )  # fmt: skip
            self._audit.told(
                tx, person_id=standing.person_id, session_id=standing.session_id, client_id=client.id,
                claims=list(shown), consent=agreed, offline=login.need.offline,
            )  # fmt: skip
        self._shelf.note_told(login.id, standing.session_id)

    def entrance(self, client: Client) -> str:
        """Where a link back to the portal leads."""
        return client.entrance(self._settings.issuer)

    def give_up(self, login: Login, failure: Failure) -> None:
        """The sign-in ends without success; `oidc` tells the portal why."""
        self._shelf.keep_verdict(login.id, failure.code)
        self._audit.refused(failure, client_id=login.need.client_id)

    def end_session(self, cookies: Mapping[str, str], reason: str) -> None:
        """The browser's session is over: "this is not me"."""
        session_id = self._sessions.by_cookie(self._cookies.session(cookies))
        if session_id is not None:
            with self._database.write() as tx:
                self._sessions.end(tx, session_id, reason)


def customer_of(network: str) -> str:
    """The address, or for IPv6 the network that one customer is given (RFC 6177); of an IPv4 address that a socket for
    both writes as IPv6 (RFC 4291 section 2.5.5.2), the IPv4 address.
    """
    try:
        address = ip_address(network)
    except ValueError:
        return network
    if isinstance(address, IPv4Address):
        return network
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network(f"{network.partition('%')[0]}/64", strict=False))
