// Joins the parts: what the daemon says goes to the session and the ring, what they become goes to the screen.

import { Microphone } from "./microphone.js";
import { drawPanels } from "./panels.js";
import { Picture } from "./picture.js";
import { Ring } from "./ring.js";
import { RingDialog } from "./ring-dialog.js";
import { Ringer } from "./ringer.js";
import { Session } from "./session.js";
import { Shortcuts } from "./shortcuts.js";
import { Signalling } from "./signalling.js";
import { strings } from "./strings.js";
import { drawStage, element, fillTexts } from "./view.js";
import { Viewer } from "./viewer.js";
import { Visits } from "./visits.js";

const signalling = new Signalling(new URL("ws", location.href.replace(/^http/, "ws")));
const send = (message) => signalling.send(message);
const viewer = new Viewer();
const visits = new Visits();
const ringer = new Ringer();
const picture = new Picture(element("video"));
const microphone = new Microphone();
const session = new Session({ send, picture });
const ring = new Ring({ visits, ringer, titleOf: strings.ring.tabTitle });

let connection = { phase: "connecting" };
let welcome = null;
let door = { name: strings.doorUnknown, camera: "live", microphone: "live", speaker: "live" };
let participants = [];

// What the viewer does.

function watch() {
    if (connection.phase === "open" && !session.isWanted) session.start();
}

async function talk() {
    if (microphone.phase === "on" || microphone.phase === "muted") {
        microphone.setMuted(microphone.phase === "on");
        return;
    }
    const track = await microphone.open();
    if (track) session.setMicrophoneTrack(track);
}

function hangUp() {
    session.hangUp();
}

function accept() {
    if (!ring.current) return;
    const call = ring.decided("accepted");
    session.start({ answering: call });
    // Accepting means talking.
    if (microphone.phase === "off" || microphone.phase === "muted") talk();
}

function decline() {
    if (ring.current) send({ type: "call-reject", call: ring.decided("declined") });
}

function toggleSound() {
    if (picture.isSoundBlocked) picture.unblockSound();
    else picture.setMuted(!picture.isMuted);
}

async function toggleFullScreen() {
    const stage = element("stage");
    const video = element("video");
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (stage.requestFullscreen) await stage.requestFullscreen();
    // An iPhone lets only a video fill the screen.
    else video.webkitEnterFullscreen?.();
}

function rename(text) {
    viewer.name = text;
    send({ type: "presence", name: viewer.name });
    draw();
}

// What the daemon says.

const receive = {
    welcome(message) {
        welcome = message;
        connection = { phase: "open" };
        participants = [];
        doorChanged(message.door);
        send({ type: "presence", name: viewer.name });
        const { iceServers, iceTransportPolicy = "all" } = message;
        session.reachable({ servers: { iceServers, iceTransportPolicy }, hasCamera: door.camera !== "none" });
    },
    "ice-servers"({ iceServers }) {
        session.serversChanged(iceServers);
    },
    presence(message) {
        participants = message.participants;
    },
    door(message) {
        doorChanged(message);
        session.cameraChanged(door.camera !== "none");
    },
    "call-incoming"(message) {
        ring.began(message, welcome.ringTimeoutMs);
    },
    "call-accepted"({ call, by, continues }) {
        const isOwn = by.id === welcome.id;
        if (ring.isKnown(call) && !isOwn) {
            ring.ended(call, "answered", by.name);
            session.withdraw(call, { code: "answeredBy", by: by.name });
            return;
        }
        if (isOwn) ring.ended(call, "accepted");
        const isAwaited = session.accepted(call, continues);
        // Hung up here before the daemon's word came: nobody wants this call any more.
        if (!isAwaited && call !== session.callId && continues === undefined) send({ type: "call-hangup", call });
    },
    "call-hangup"(message) {
        if (ring.isKnown(message.call) && message.call !== session.callId) {
            const outcomes = { unanswered: "missed", rejected: "rejected" };
            ring.ended(message.call, outcomes[message.reason] ?? "over");
            session.withdraw(message.call, { code: message.reason, by: message.by?.name });
        }
        session.messageReceived(message);
    },
    "call-offer": (message) => session.messageReceived(message),
    "call-answer": (message) => session.messageReceived(message),
    "call-ice-candidate": (message) => session.messageReceived(message),
    "call-error": (message) => session.messageReceived(message),
};

function doorChanged(message) {
    door = { ...door, ...message };
    ringer.plainTitle = `${door.name} · ${strings.product}`;
}

signalling.addEventListener("message", ({ detail: message }) => {
    const handler = Object.hasOwn(receive, message?.type) ? receive[message.type] : undefined;
    // A newer daemon may say more than this page knows.
    if (!handler || (message.type !== "welcome" && welcome === null)) return;
    handler(message);
    draw();
});

signalling.addEventListener("closed", ({ detail: { retryAt } }) => {
    connection = { phase: "waiting", retryAt };
    participants = [];
    ring.lost();
    session.unreachable();
    draw();
});

// What is on the screen.

const dialog = new RingDialog({ accept, decline });
const shortcuts = new Shortcuts({ w: watch, m: () => session.isWanted && talk(), s: toggleSound, f: toggleFullScreen, h: hangUp });

function snapshot() {
    return {
        connection, door, participants, picture, microphone,
        status: session.status,
        recovery: session.recovery,
        callId: session.callId,
        statistics: session.statistics,
        timeline: session.timeline,
        limit: welcome?.maxCallDurationMs ?? 0,
        ring: ring.current,
        isRingLocked: ringer.isLocked,
        visits: visits.list,
        selfId: welcome?.id ?? null,
        name: viewer.name,
        hasShortcuts: shortcuts.isOn,
    };
}

let isDrawing = false;

/** Draws once after all that changes together has changed. */
function draw() {
    if (isDrawing) return;
    isDrawing = true;
    queueMicrotask(() => {
        isDrawing = false;
        const state = snapshot();
        const now = Date.now();
        drawStage(state, now);
        drawPanels(state);
        dialog.draw(state, now);
    });
}

for (const part of [session, ring, ringer, picture]) part.addEventListener("change", draw);
microphone.addEventListener("change", () => {
    if (microphone.track === null) session.setMicrophoneTrack(null);
    draw();
});
session.addEventListener("change", () => {
    if (!session.isWanted) microphone.close();
});
// Times that run ("12 s ago", the countdown, the elapsed time) move on by themselves.
setInterval(draw, 1_000);

element("watch").addEventListener("click", watch);
element("talk").addEventListener("click", talk);
element("hang-up").addEventListener("click", hangUp);
element("cancel").addEventListener("click", hangUp);
element("sound").addEventListener("click", toggleSound);
element("unblock-sound").addEventListener("click", () => picture.unblockSound());
element("full-screen").addEventListener("click", toggleFullScreen);
element("dismiss-problem").addEventListener("click", () => microphone.dismissProblem());
element("unlock-ring").addEventListener("click", () => ringer.unlock());
element("clear-visits").addEventListener("click", () => {
    visits.clear();
    draw();
});
element("name").addEventListener("change", ({ target }) => rename(target.value));
element("name").addEventListener("keydown", ({ key, target }) => {
    if (key === "Enter") target.blur();
});
element("volume").addEventListener("input", ({ target }) => {
    picture.volume = Number(target.value);
});
element("shortcuts").addEventListener("change", ({ target }) => shortcuts.turn(target.checked));
document.addEventListener("fullscreenchange", draw);
// A closed page hangs up at once instead of being missed half a minute later.
addEventListener("pagehide", () => session.hangUp());

/** For support and tests: what this page knows and does. */
window.doorward = {
    get state() {
        return snapshot();
    },
    get timeline() {
        return session.timeline.toJSON();
    },
    get peerConnection() {
        return session.peerConnection;
    },
};

fillTexts();
draw();
signalling.open();
