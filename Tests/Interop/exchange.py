"""HTTP with the daemon, and session descriptions made by hand to send it."""

import urllib.error
import urllib.request

from conftest import SLOWNESS

FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))
VIDEO = ("96 H264/90000", "96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
AUDIO = ("111 opus/48000/2", "111 minptime=10;useinbandfec=1")


def request(method, url, body=None, content_type=None, **headers):
    """Status, headers and body of an HTTP exchange; an underscore in a header's name stands for a hyphen."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        fields["Content-Type"] = content_type
    if isinstance(body, str):
        body = body.encode()
    message = urllib.request.Request(url, data=body, headers=fields, method=method)
    try:
        with urllib.request.urlopen(message, timeout=20 * SLOWNESS) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def offer(video=VIDEO, audio=AUDIO, direction="recvonly", fragment="frag"):
    """An offer that a browser could make, from a peer that never answers a check."""
    lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=ice-options:trickle"]
    for mid, (kind, (mapping, parameters)) in enumerate((("video", video), ("audio", audio))):
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {mapping.split()[0]}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{fragment}",
            "a=ice-pwd:abcdefghijklmnopqrstuvwx",
            f"a=fingerprint:sha-256 {FINGERPRINT}",
            "a=setup:actpass",
            f"a=mid:{mid}",
            f"a={direction}",
            "a=rtcp-mux",
            f"a=rtpmap:{mapping}",
            *([f"a=fmtp:{parameters}"] if parameters else []),
        ]
    return "".join(line + "\r\n" for line in lines)


def answer(theirs, setup="active", direction="recvonly"):
    """The answer of the same peer to the door's offer: all of it is taken, and nothing sent."""
    lines = []
    for line in theirs.splitlines():
        name = line.split(":")[0]
        if name in ("a=candidate", "a=end-of-candidates", "a=msid", "a=ssrc", "a=ssrc-group"):
            continue
        lines.append(
            {
                "a=ice-ufrag": "a=ice-ufrag:frag",
                "a=ice-pwd": "a=ice-pwd:abcdefghijklmnopqrstuvwx",
                "a=fingerprint": f"a=fingerprint:sha-256 {FINGERPRINT}",
                "a=setup": f"a=setup:{setup}",
                "a=sendrecv": f"a={direction}",
                "a=sendonly": f"a={direction}",
            }.get(name, line)
        )
    return "".join(line + "\r\n" for line in lines)


def offer_after(theirs):
    """The next offer of the peer that answered the door's."""
    return answer(theirs, setup="actpass")
