// Joins the parts: what the daemon says goes to the session and the ring, what they become goes to the screen.

import { Camera } from "./camera.js";
import { drawConversation } from "./chat.js";
import { Conversation } from "./conversation.js";
import { enrolment, isCopy } from "./enrolment.js";
import { Intercom } from "./intercom.js";
import { chooseLanguage } from "./language.js";
import { drawMembers } from "./members.js";
import { Mesh } from "./mesh.js";
import { Microphone } from "./microphone.js";
import { drawPanels } from "./panels.js";
import { Picture } from "./picture.js";
import * as Resumption from "./resumption.js";
import { Ring } from "./ring.js";
import { RingDialog } from "./ring-dialog.js";
import { Ringer } from "./ringer.js";
import { Session } from "./session.js";
import { Shortcuts } from "./shortcuts.js";
import { toggleSmallWindow } from "./small-window.js";
import { saveSnapshot } from "./snapshot.js";
import { strings } from "./strings.js";
import { TalkButton } from "./talk-button.js";
import { drawStage, element } from "./view.js";
import { Viewer } from "./viewer.js";
import { Visits } from "./visits.js";
import { WakeLock } from "./wake-lock.js";
import { Ways } from "./ways.js";

const ways = new Ways({ url: isCopy ? null : new URL("ws", location.href.replace(/^http/, "ws")), enrolment });
const send = (message) => ways.send(message);
const viewer = new Viewer();
const visits = new Visits();
const ringer = new Ringer();
const wakeLock = new WakeLock();
const picture = new Picture(element("video"));
const microphone = new Microphone();
const camera = new Camera();
const conversation = new Conversation();
const session = new Session({ send, picture });
/** The call whose members talk to one another, with the door or without it. */
const currentCall = () => intercom.callId ?? session.callId;
const mesh = new Mesh({ send: (message) => send({ ...message, call: currentCall() }) });
const intercom = new Intercom({
    send,
    visits,
    // who is at the door rings louder
    alarm: {
        start: (name) => ring.current === null && ringer.start(strings.intercom.tabTitle(name), "person"),
        stop: () => ring.current === null && ringer.stop(),
    },
});
const ring = new Ring({ visits, ringer, titleOf: strings.ring.tabTitle });

let connection = { phase: "connecting" };
/** Whether somebody between this page and the door changed messages, and nobody has taken note of it yet. */
let wasTampered = false;
let welcome = null;
let door = { name: enrolment.record?.name ?? strings.doorUnknown, camera: "live", microphone: "live", speaker: "live" };
let participants = [];
let missed = [];
/** The call of the page that was here before this one was loaded. */
let left = Resumption.take();

// What the viewer does.

function watch() {
    if (connection.phase === "open" && !session.isWanted) session.start();
}

async function talk() {
    if (microphone.phase === "on" || microphone.phase === "muted") {
        microphone.setMuted(microphone.phase === "on");
        return;
    }
    await openMicrophone();
}

/** Opens the microphone; where one holds the button to talk, it is heard only while that is held. */
async function openMicrophone() {
    const track = await microphone.open();
    if (!talkButton.isOpen) microphone.setMuted(true);
    speak(track);
}

/** Sends the microphone's track to the door and the other members; null is no answer of the viewer's and changes nothing. */
function speak(track) {
    if (track === null) return;
    session.setMicrophoneTrack(track);
    mesh.setTrack("audio", track);
}

function toggleCamera() {
    if (camera.phase === "off") camera.open();
    else camera.close();
}

function write(event) {
    event.preventDefault();
    const text = element("chat-text").value.trim();
    const recipient = mesh.members.find(({ id }) => id === element("chat-recipient").value) ?? null;
    if (text === "") return;
    conversation.write(text, recipient);
    element("chat-text").value = "";
}

function dismissMissed() {
    if (missed.length > 0) send({ type: "missed-seen", call: missed.at(-1).call });
}

function hangUp() {
    if (intercom.isBusy && !session.isWanted) intercom.hangUp();
    else session.hangUp();
}

function callSomebody({ target }) {
    const participant = participants.find(({ id }) => id === target.dataset.participant);
    if (participant === undefined || session.isWanted) return;
    intercom.call(participant);
    // Calling means talking.
    if (intercom.isBusy) openMicrophone();
}

function accept() {
    if (!ring.current) {
        if (intercom.rung === null) return;
        // a door that is being called again and again is not waited for any longer
        session.hangUp();
        intercom.accept();
        openMicrophone();
        return;
    }
    const call = ring.decided("accepted");
    session.start({ answering: call });
    // Accepting means talking.
    if (microphone.phase === "off" || microphone.phase === "muted") openMicrophone();
}

function decline() {
    if (ring.current) send({ type: "call-reject", call: ring.decided("declined") });
    else intercom.decline();
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
    tellPresence();
    draw();
}

function tellPresence() {
    send({ type: "presence", name: viewer.name, takesCalls: typeof RTCPeerConnection !== "undefined" });
}

// What the daemon says.

const receive = {
    welcome(message) {
        welcome = message;
        connection = { phase: "open", way: ways.way };
        participants = [];
        doorChanged(message.door);
        missed = [];
        session.reachable({ servers: servers(), hasCamera: door.camera !== "none", resumption: message.resumption });
        intercom.reachable(message.resumption);
        resumeLeft();
        // after the call that was had back: who is in none may be called
        tellPresence();
    },
    "ice-servers"({ iceServers }) {
        welcome = { ...welcome, iceServers };
        session.serversChanged(iceServers);
        mesh.setServers(servers());
    },
    missed({ rings }) {
        missed = rings;
    },
    presence(message) {
        participants = message.participants;
    },
    door(message) {
        doorChanged(message);
        session.cameraChanged(door.camera !== "none");
    },
    "door-settings"({ name, ringTimeoutMs, maxCallDurationMs }) {
        welcome = { ...welcome, ringTimeoutMs, maxCallDurationMs };
        doorChanged({ name });
    },
    "call-incoming"(message) {
        if (message.from.id === "door") ring.began(message, welcome.ringTimeoutMs);
        else intercom.incoming(message);
    },
    "call-ringing"(message) {
        intercom.ringing(message);
    },
    "call-accepted"({ call, by, continues }) {
        if (intercom.isKnown(call)) return intercom.accepted({ call });
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
    "call-resumed"({ call, elapsedMs }) {
        if (!intercom.resumed({ call, elapsedMs }) && !session.resumed(call, elapsedMs)) send({ type: "call-hangup", call });
    },
    "call-members"({ call, members }) {
        if (call === intercom.callId) intercom.membersChanged(members, welcome.id);
        if (call === currentCall()) mesh.membersChanged(members, { selfId: welcome.id, servers: servers(), hasChannels: call === intercom.callId });
    },
    "call-hangup"(message) {
        if (intercom.isKnown(message.call)) return intercom.over(message);
        if (ring.isKnown(message.call) && message.call !== session.callId) {
            const outcomes = { unanswered: "missed", rejected: "rejected" };
            ring.ended(message.call, outcomes[message.reason] ?? "over");
            session.withdraw(message.call, { code: message.reason, by: message.by?.name });
        }
        session.messageReceived(message);
    },
    "call-offer": negotiationReceived,
    "call-answer": negotiationReceived,
    "call-ice-candidate": negotiationReceived,
    "call-error"(message) {
        // An offer that crossed with the leaving of the member it was for: the next `call-members` says so.
        const isAboutMember = message.code === "recipient_offline" && message.call !== undefined;
        if (!intercom.refused(message) && !isAboutMember) session.messageReceived(message);
    },
};

function negotiationReceived(message) {
    if (message.sender === undefined) session.messageReceived(message);
    else if (message.call === currentCall()) mesh.messageReceived(message);
}

/** What a peer connection is made with. */
function servers() {
    const { iceServers, iceTransportPolicy = "all" } = welcome;
    return { iceServers, iceTransportPolicy };
}

/** Has the call back that the page before this one was in, and talks where that talked. */
async function resumeLeft() {
    if (left === null) return;
    const { resumption, isTalking, isIntercom } = left;
    left = null;
    (isIntercom ? intercom : session).resume(resumption);
    if (isTalking) await openMicrophone();
}

function doorChanged(message) {
    door = { ...door, ...message };
    ringer.plainTitle = `${door.name} · ${strings.product}`;
}

ways.addEventListener("message", ({ detail: message }) => {
    const handler = Object.hasOwn(receive, message?.type) ? receive[message.type] : undefined;
    // A newer daemon may say more than this page knows.
    if (!handler || (message.type !== "welcome" && welcome === null)) return;
    handler(message);
    draw();
});

ways.addEventListener("closed", ({ detail: { retryAt, way, problem } }) => {
    connection = { phase: "waiting", retryAt, way, problem };
    participants = [];
    ring.lost();
    session.unreachable();
    intercom.unreachable();
    draw();
});

ways.addEventListener("tampered", () => {
    wasTampered = true;
    draw();
});

// What is on the screen.

const dialog = new RingDialog({ accept, decline });
const talkButton = new TalkButton(element("talk"), {
    toggle: talk,
    begin: openMicrophone,
    end: () => microphone.setMuted(true),
});
const shortcuts = new Shortcuts({ w: watch, m: () => (session.isWanted || intercom.callId !== null) && !talkButton.isPushToTalk && talk(), s: toggleSound, f: toggleFullScreen, h: hangUp });

function snapshot() {
    return {
        connection, wasTampered, door, participants, picture, microphone, camera, conversation, missed,
        members: mesh.members,
        status: session.status,
        intercom: intercom.status,
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
        isPushToTalk: talkButton.isPushToTalk,
    };
}

let isDrawing = false;

/** Draws once after all that changes together has changed. */
function draw() {
    if (isDrawing) return;
    isDrawing = true;
    queueMicrotask(() => {
        isDrawing = false;
        ways.setBusy(session.isWanted || intercom.isBusy || ring.current !== null);
        const state = snapshot();
        const now = Date.now();
        drawStage(state, now);
        drawPanels(state);
        drawMembers(state);
        drawConversation(state);
        dialog.draw({ ...state, ring: state.ring ?? intercom.rung }, now);
    });
}

for (const part of [session, intercom, ring, ringer, picture, mesh, camera, conversation]) part.addEventListener("change", draw);
microphone.addEventListener("change", () => {
    if (microphone.track === null) {
        session.setMicrophoneTrack(null);
        mesh.setTrack("audio", null);
    }
    draw();
});
camera.addEventListener("change", () => mesh.setTrack("video", camera.track));
picture.addEventListener("change", () => mesh.setSound({ isMuted: picture.isMuted || picture.isSoundBlocked, volume: picture.volume }));
session.addEventListener("channel", ({ detail: channel }) => conversation.attach(channel));
mesh.addEventListener("channel", ({ detail: channel }) => conversation.attach(channel, () => intercom.status.other?.name ?? null));
for (const part of [session, intercom]) part.addEventListener("change", callChanged);
ring.addEventListener("change", () => {
    if (ring.current === null) intercom.sound();
});

function callChanged() {
    const isCalling = session.isWanted || intercom.isBusy;
    wakeLock.want(isCalling);
    // While signalling is away the others are still there, and heard.
    if (currentCall() === null) mesh.close();
    if (!isCalling) conversation.clear();
    if (isCalling) return;
    microphone.close();
    camera.close();
}
// Times that run ("12 s ago", the countdown, the elapsed time) move on by themselves.
setInterval(draw, 1_000);

element("watch").addEventListener("click", watch);
element("see-door").addEventListener("click", watch);
element("people").addEventListener("click", callSomebody);
element("hang-up").addEventListener("click", hangUp);
element("cancel").addEventListener("click", hangUp);
element("sound").addEventListener("click", toggleSound);
element("unblock-sound").addEventListener("click", () => picture.unblockSound());
element("full-screen").addEventListener("click", toggleFullScreen);
element("dismiss-tampered").addEventListener("click", () => {
    wasTampered = false;
    draw();
});
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
element("camera").addEventListener("click", toggleCamera);
element("chat-form").addEventListener("submit", write);
element("unlock").addEventListener("click", () => conversation.unlock());
element("light").addEventListener("click", () => conversation.setLight(conversation.controls.light !== "on"));
element("snapshot").addEventListener("click", () => saveSnapshot(conversation, element("video"), door.name));
element("small-window").addEventListener("click", () => toggleSmallWindow(element("video")));
for (const change of ["enterpictureinpicture", "leavepictureinpicture"]) element("video").addEventListener(change, draw);
element("dismiss-missed").addEventListener("click", dismissMissed);
element("volume").addEventListener("input", ({ target }) => {
    picture.volume = Number(target.value);
});
element("language").addEventListener("change", ({ target }) => chooseLanguage(target.value));
element("shortcuts").addEventListener("change", ({ target }) => shortcuts.turn(target.checked));
element("push-to-talk").addEventListener("change", ({ target }) => {
    talkButton.turn(target.checked);
    if (target.checked) microphone.setMuted(true);
    draw();
});
document.addEventListener("fullscreenchange", draw);
// A page cannot know whether it is closed or loaded anew: the call waits a while for the next page.
addEventListener("pagehide", () => {
    const isIntercom = intercom.resumable !== null;
    const resumption = isIntercom ? intercom.resumable : session.isWanted && session.resumable;
    if (resumption) Resumption.leave({ resumption, isTalking: microphone.phase === "on", isIntercom });
    else hangUp();
});
// Back from the browser's cache it is this page that has the call, and nothing was left for another.
addEventListener("pageshow", ({ persisted }) => {
    if (persisted) Resumption.take();
});

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
    get meshConnections() {
        return mesh.peerConnections;
    },
};

/**
 * Begins; `isHomeSilent` where the door was asked at its own address, and did not answer in time. `atHome` is called whenever it
 * answers there.
 */
export function begin({ isHomeSilent, atHome }) {
    ways.addEventListener("home", atHome);
    draw();
    ways.open({ isHomeSilent });
}
