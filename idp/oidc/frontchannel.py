"""Telling portals that a session is over by the browser that it was in (OpenID Connect Front-Channel Logout 1.0).

It reaches whoever keeps their session in the browser alone, and only while its person waits and the browser lets a page
of ours carry the portal's cookies. The promise is the back channel.
"""

from __future__ import annotations

from idp.oidc.http import with_parameters
from idp.sessions import Ended


def frames_of(ended: Ended, issuer: str) -> tuple[str, ...]:
    """The addresses that a page of ours loads in frames; with `iss` and `sid` where the portal needs them (section 3).

    In the order in which the portals stand in `ended`; none holds up another, since a browser loads them side by side.
    """
    frames = []
    for client, sid in ended.by_browser:
        uri = str(client.frontchannel_logout_uri)
        required = client.frontchannel_logout_session_required
        frames.append(with_parameters(uri, iss=issuer, sid=sid) if required else uri)
    return tuple(frames)
