"""A page that knows nothing of Doorward plays the door by WHEP (draft-ietf-wish-whep)."""

from __future__ import annotations

import card

# The whole of a WHEP player; `window.whep` is its resource's address once it plays.
PLAYER = """(async () => {
    const peerConnection = new RTCPeerConnection();
    const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: new MediaStream() });
    document.body.replaceChildren(video);
    window.candidates = [];
    window.peerConnection = peerConnection;
    peerConnection.ontrack = ({ track }) => video.srcObject.addTrack(track);
    peerConnection.onicecandidate = ({ candidate }) => candidate && window.candidates.push(candidate);
    peerConnection.addTransceiver("video", { direction: "recvonly" });
    peerConnection.addTransceiver("audio", { direction: "recvonly" });
    await peerConnection.setLocalDescription();
    const offer = peerConnection.localDescription.sdp;
    const response = await fetch("/whep", { method: "POST", headers: { "Content-Type": "application/sdp" }, body: offer });
    const resource = response.headers.get("Location");
    window.whep = new URL(resource, response.url).href;
    window.entityTag = response.headers.get("ETag");
    await peerConnection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    return { status: response.status, type: response.headers.get("Content-Type"), hasTag: Boolean(window.entityTag) };
})()"""

# RFC 8840 §9: what PATCH carries.
TRICKLE = """(async () => {
    const [, fragment] = /a=ice-ufrag:(\\S+)/.exec(window.peerConnection.localDescription.sdp);
    const [, password] = /a=ice-pwd:(\\S+)/.exec(window.peerConnection.localDescription.sdp);
    const lines = window.candidates.map(({ candidate }) => `a=${candidate}\\r\\n`).join("");
    const body = `a=ice-ufrag:${fragment}\\r\\na=ice-pwd:${password}\\r\\nm=video 9 UDP/TLS/RTP/SAVPF 0\\r\\na=mid:0\\r\\n${lines}a=end-of-candidates\\r\\n`;
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": window.entityTag };
    return (await fetch(window.whep, { method: "PATCH", headers, body })).status;
})()"""


def test_a_player_plays_the_door_and_ends_it(browser, daemon, open_page):
    # The policy of the page itself lets its player reach the same daemon.
    page = open_page(browser, daemon.url())
    answer = page.evaluate(PLAYER)
    assert answer["status"] == 201
    assert answer["type"].startswith("application/sdp")
    assert answer["hasTag"]
    first = card.read(page, seconds=15)
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 500))")
    assert card.read(page).number != first.number
    assert daemon.status()["players"] == 1
    assert page.evaluate(TRICKLE) == 204
    assert page.evaluate("fetch(window.whep, { method: 'DELETE' }).then(({ status }) => status)") == 200
    daemon.wait_for_status(lambda status: status["players"] == 0 and not status["peers"], seconds=3)


def test_what_is_not_an_offer_is_refused(browser, daemon, open_page):
    page = open_page(browser, daemon.url())
    post = "fetch('/whep', { method: 'POST', headers: { 'Content-Type': '%s' }, body: '%s' }).then(({ status }) => status)"
    assert page.evaluate(post % ("application/json", "{}")) == 415
    assert page.evaluate(post % ("application/sdp", "not a description")) == 400
    assert page.evaluate("fetch('/whep/nothing', { method: 'DELETE' }).then(({ status }) => status)") == 404
    assert daemon.status()["players"] == 0
