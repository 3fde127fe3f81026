"""The desk service of a counter whose browser reads no pictures: what it fetches, keeps, reads and refuses."""

from __future__ import annotations

import io
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from PIL import Image
from playwright.sync_api import Browser, expect

from idp import clock
from idp.cli import commands
from idp.counter.desk import Desk
from idp.counter.desk_news import DeskNews
from idp.counter.pictures import PICTURE_BYTES, picture_reader
from idp.digital_id.scanning import draw
from idp.egress import Egress
from idp.settings import load
from idp.web.language import text as said
from tests.browser.conftest import watch
from tests.conftest import BROWSER_ARGUMENTS, BROWSERS
from tests.counter.issuer import Issuer
from tests.digital_id.cards import DAY, pen
from tests.served import killed_in_the_end
from tests.servers import eventually
from tests.world import listening

OUTBOUND = {"allow_loopback": True, "answer_bytes": 10_485_760}


class Published:
    """What an issuer on the network answers, and which paths it was asked for."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.asked: list[str] = []
        now = clock.seconds()
        self.answers = {"/trust-list": issuer.trust_list(now).encode(), "/status-lists/1": issuer.status_list(now)}

    def __call__(self, environ: dict[str, str], start_response: Callable[..., object]) -> list[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append(path)
        body = self.answers.get(path)
        start_response("200 OK" if body else "404 Not Found", [("Content-Type", "application/octet-stream")])
        return [body or b""]


@pytest.fixture
def published() -> Iterator[Published]:
    with listening("idp.localhost") as (base, server):
        server.app = Published(Issuer(base))
        yield server.app


def news_of(published: Published, folder: Path) -> DeskNews:
    settings = load(mode="development", issuer="http://localhost:1", outbound=OUTBOUND)
    return DeskNews(issuer=published.issuer.issuer, folder=folder, http=Egress(settings.outbound))


@contextmanager
def desk(news: DeskNews, issuer: str) -> Iterator[str]:
    with listening("localhost") as (base, server):
        settings = load(mode="development", issuer=base)
        server.app = Desk(settings=settings, issuer=issuer, news=news, read_picture=picture_reader()).app()
        yield base


def test_news_is_kept_for_the_time_without_network(published: Published, tmp_path: Path) -> None:
    news = news_of(published, tmp_path / "desk")
    assert news.token("/trust-list") is None
    assert news.refresh() == []
    assert set(published.asked) == {"/trust-list", "/status-lists/1"}
    first = dict(published.answers)
    again = news_of(published, tmp_path / "desk")
    assert {path: again.token(path) for path in first} == first
    now = clock.seconds()
    stranger = Issuer(published.issuer.issuer, "stranger")
    for path, answer, why in (
        ("/trust-list", stranger.trust_list(now + 1).encode(), "no key that we know"),
        ("/trust-list", b"", "status 404"),
        ("/trust-list", b"x", "not a JWS"),
        ("/status-lists/1", stranger.status_list(now + 1), "no trusted key"),
        ("/status-lists/1", published.issuer.status_list(now + 1, uri="x"), "sub"),
    ):
        published.answers = first | {path: answer}
        (fault,) = again.refresh()
        assert why in fault
        assert {path: again.token(path) for path in first} == first
    older = published.issuer.status_list(now - DAY)
    published.answers = first | {"/status-lists/1": older}
    assert again.refresh() == [] and again.token("/status-lists/1") == first["/status-lists/1"]
    handed_on = published.issuer.trust_list(now + 1, published.issuer.pen, pen(name="next"))
    published.answers = first | {"/trust-list": handed_on.encode()}
    assert again.refresh() == [] and news_of(published, tmp_path / "desk").token("/trust-list") == handed_on.encode()


def test_a_folder_that_cannot_be_written_is_told_and_the_news_of_before_stays(
    published: Published, tmp_path: Path
) -> None:
    news = news_of(published, tmp_path / "desk")
    assert news.refresh() == []
    shutil.rmtree(tmp_path / "desk")
    (fault,) = news.refresh()
    assert fault.startswith("trust list: ") and news.token("/trust-list") == published.answers["/trust-list"]
    (tmp_path / "desk").mkdir()
    assert news.refresh() == []


def test_a_counter_reads_pictures_by_its_desk_and_needs_no_issuer_for_it(
    chromium: Browser, published: Published, tmp_path: Path
) -> None:
    news = news_of(published, tmp_path)
    assert news.refresh() == []
    published.asked.clear()
    card = published.issuer.card(clock.seconds())
    complaints: list[str] = []
    with desk(news, published.issuer.issuer) as base:
        context = chromium.new_context(locale="vi-VN")
        watch(context, complaints)
        page = context.new_page()
        page.goto(f"{base}/counter")
        expect(page.locator("#news")).to_have_text(re.compile("[78] ngày"))
        for picture, state in ((png(draw(card)), "genuine"), (png(Image.new("L", (200, 200), 200)), "not_verified")):
            page.locator("#picture").set_input_files({"name": "p.png", "mimeType": "image/png", "buffer": picture})
            expect(page.locator("#verdict")).to_have_attribute("data-state", state)
        expect(page.locator("#answer")).to_have_text(said("vi", "counter.says.nothing_read"))
        page.locator("#picture").set_input_files({"name": "p.txt", "mimeType": "image/png", "buffer": b"no picture"})
        expect(page.locator("#why")).to_have_text(said("vi", "counter.says.no_picture"))
        context.close()
    assert (complaints, published.asked) == ([], [])


def test_a_code_that_is_held_before_the_camera_is_checked(
    chromium: Browser, published: Published, tmp_path: Path
) -> None:
    """By a browser whose camera is a film of one picture, and which cannot read codes itself."""
    news = news_of(published, tmp_path / "desk")
    assert news.refresh() == []
    film = tmp_path / "code.y4m"
    scene = Image.new("L", (640, 480), 200)
    scene.paste(draw(published.issuer.card(clock.seconds())), (150, 80))
    film.write_bytes(
        b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\nFRAME\n" + scene.tobytes() + b"\x80" * (320 * 240 * 2)
    )
    seeing = [
        *BROWSER_ARGUMENTS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]  # fmt: skip
    path = next(filter(None, map(shutil.which, BROWSERS)))
    browser = chromium.browser_type.launch(executable_path=path, args=seeing)
    with desk(news, published.issuer.issuer) as base:
        page = browser.new_page(locale="vi-VN")
        page.goto(f"{base}/counter")
        expect(page.locator("#news")).to_have_text(re.compile("[78] ngày"))
        page.get_by_role("button", name=said("vi", "counter.says.camera_on")).click()
        expect(page.locator("#verdict")).to_have_attribute("data-state", "genuine")
        page.get_by_role("button", name=said("vi", "counter.says.camera_off")).click()
        expect(page.locator("#camera")).to_be_hidden()
        expect(page.locator("#turn")).to_contain_text("Lượt 1,")  # one code, though seen in many frames
    browser.close()


def test_pictures_are_read_within_bounds_and_for_this_machine_alone(published: Published, tmp_path: Path) -> None:
    card = published.issuer.card(clock.seconds())
    with desk(news_of(published, tmp_path), published.issuer.issuer) as base:
        url = f"{base}/counter/decode"
        assert requests.post(url, data=png(draw(card)), timeout=9).json() == {"text": card}
        began = time.monotonic()
        assert requests.post(url, data=png(Image.effect_noise((1280, 960), 90)), timeout=9).json() == {"text": None}
        assert time.monotonic() - began < 6  # a second, but for what else this machine does
        large = png(Image.new("1", (16_001, 1_000)))
        for body, status, error in (
            (b"x" * (PICTURE_BYTES + 1), 413, "too_large"), (b"", 415, "no_picture"), (b"GIF89a", 415, "no_picture"),
            (png(draw(card))[:-99], 415, "no_picture"), (large, 415, "no_picture"),
        ):  # fmt: skip
            answer = requests.post(url, data=body, timeout=9)
            assert (answer.status_code, answer.json()) == (status, {"error": error})
        for headers in ({"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}):
            answer = requests.post(url, data=png(draw(card)), headers=headers, timeout=9)
            assert (answer.status_code, answer.json()) == (403, {"error": "elsewhere"})
        assert requests.get(f"{base}/trust-list", headers={"Host": "elsewhere.example"}, timeout=9).status_code == 403


def test_the_command_serves_what_it_fetched_until_it_is_ended(published: Published, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [
        sys.executable,
        "-c",
        "from idp.cli import main; main()",
        "digital-id",
        "desk",
        "--folder",
        str(tmp_path),
    ]
    running = subprocess.Popen(
        [*command, "--issuer", published.issuer.issuer, "--port", port],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    with killed_in_the_end(running):
        eventually(lambda: _answer(f"http://localhost:{port}/trust-list") == published.answers["/trust-list"])
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0


@pytest.mark.parametrize(
    "issuer", ["http://id.gov.example", "https://id.gov.example/", "https://u@id.gov.example", "x"]
)
def test_an_issuer_that_cannot_be_trusted_at_first_sight_is_refused(issuer: str) -> None:
    told = CliRunner().invoke(commands, ["digital-id", "desk", "--issuer", issuer])
    assert (told.exit_code, "needs an origin" in told.output) == (2, True)


def _answer(url: str) -> bytes:
    try:
        return requests.get(url, timeout=9).content
    except requests.ConnectionError:
        return b""


def png(picture: Image.Image) -> bytes:
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    return packed.getvalue()
