"""The demo's two portals beside the test country, on real sockets and hosts of their own, and the worker behind it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from idp.clients import Registration
from idp.worker import Worker
from relying_party_demo.app import create_app
from relying_party_demo.settings import read_settings
from tests.world import World, listening

NAMES = {
    "ministry": ("Cổng dịch vụ Bộ Sông Nước", "Ministry of Rivers"),
    "province": ("Cổng dịch vụ tỉnh Lúa Vàng", "Lúa Vàng Province"),
}
SCOPES = {"ministry": "openid profile email phone", "province": "openid profile"}
MAY_ASK_BESIDE = {"ministry": (), "province": ("organisation",)}  # for one of its services
SIGNED_WITH = {"ministry": "RS256", "province": "ES256"}
SERVICES = {
    "ministry": [
        {"id": "allowance", "name_vi": "Đăng ký trợ cấp", "name_en": "Claim an allowance"},
        {"id": "records", "name_vi": "Xin bản sao giấy tờ", "name_en": "Ask for records", "level": "LoA2"},
    ],
    "province": [
        {"id": "birth", "name_vi": "Đăng ký khai sinh", "name_en": "Register a birth"},
        {"id": "land", "name_vi": "Đăng ký đất đai", "name_en": "Register land", "level": "LoA3"},
        {"id": "licence", "name_vi": "Xin giấy phép", "name_en": "Ask for a licence", "organisation": True},
    ],
}


@dataclass(frozen=True)
class DemoPortal:
    id: str
    base: str

    def at(self, path: str) -> str:
        return self.base + path

    @property
    def name(self) -> str:
        return NAMES[self.id][0]


@contextlib.contextmanager
def demo_portals(country: World, folder: Path, *, consent_at: str = "") -> Iterator[dict[str, DemoPortal]]:
    """Both portals, registered and listening; the one named in `consent_at` may read nothing without consent."""
    with contextlib.ExitStack() as stack:
        yield {look: stack.enter_context(_portal(country, folder, look, look == consent_at)) for look in NAMES}


@contextlib.contextmanager
def _portal(country: World, folder: Path, look: str, consent_required: bool) -> Iterator[DemoPortal]:
    with listening(f"{look}.localhost") as (base, server):
        name_vi, name_en = NAMES[look]
        registration = Registration(
            name_vi=name_vi, name_en=name_en, home_url=f"{base}/", redirect_uris=(f"{base}/callback",),
            post_logout_redirect_uris=(f"{base}/signed-out",), backchannel_logout_uri=f"{base}/backchannel-logout",
            id_token_signed_response_alg=SIGNED_WITH[look], scopes=(*SCOPES[look].split(), *MAY_ASK_BESIDE[look]),
            sector=f"{look}.localhost", consent_required=consent_required,
        )  # fmt: skip
        with country.house.database.write() as tx:
            secret = country.house.clients.add(tx, look, registration)
        (folder / f"{look}.secret").write_text(str(secret), "utf-8")
        environment = {
            "MOTCUA_MODE": "test", "PORTAL_NAME_VI": name_vi, "PORTAL_NAME_EN": name_en, "PORTAL_LOOK": look,
            "PORTAL_BASE_URL": base, "PORTAL_ISSUER": country.issuer, "PORTAL_CLIENT_ID": look,
            "PORTAL_CLIENT_SECRET_FILE": str(folder / f"{look}.secret"), "PORTAL_SCOPE": SCOPES[look],
            "PORTAL_LEVEL": "LoA1", "PORTAL_SERVICES": json.dumps(SERVICES[look]),
            "PORTAL_SESSION_KEY_FILE": str(folder / f"{look}.key"), "PORTAL_DATA": str(folder / f"{look}.sqlite3"),
        }  # fmt: skip
        server.app = create_app(read_settings(environment))
        yield DemoPortal(look, base)


@contextlib.contextmanager
def worker(country: World) -> Iterator[None]:
    """What the provider has to tell others leaves by itself, as in life."""
    working = Worker(country.house, senders=1)
    thread = threading.Thread(target=working.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        working.stop()
        thread.join()
