// The panel of those who are in the call: who talks, who is away, and the cameras of those who show themselves.

import { strings } from "./strings.js";
import { element, setHidden, setText } from "./view.js";

/** The items by the members' ids: a video that is drawn anew would flicker. */
const items = new Map();

export function drawMembers({ members, microphone, camera }) {
    // Alone with the door there is nothing to tell.
    setHidden(element("members-panel"), members.length < 2);
    const isShown = camera.phase !== "off";
    setText(element("camera"), isShown ? strings.members.hideCamera : strings.members.showCamera);
    element("camera").setAttribute("aria-pressed", String(isShown));
    setHidden(element("camera-problem"), camera.problem === null);
    if (camera.problem !== null) setText(element("camera-problem"), strings.members[camera.problem]);

    const ids = new Set(members.map(({ id }) => id));
    for (const [id, item] of items) {
        if (ids.has(id)) continue;
        item.remove();
        items.delete(id);
    }
    for (const member of members) drawMember(member, { microphone, camera });
}

function drawMember(member, { microphone, camera }) {
    const { id, name, isSelf } = member;
    let item = items.get(id);
    if (!item) {
        item = document.createElement("li");
        const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, autoplay: true });
        item.append(video, document.createElement("span"), Object.assign(document.createElement("span"), { className: "doing" }));
        items.set(id, item);
        element("members").append(item);
    }
    const [video, label, doing] = item.children;
    const shownName = name || strings.people.somebody;
    setText(label, isSelf ? `${shownName} (${strings.people.you})` : shownName);
    setText(doing, doingOf(member, microphone));
    item.dataset.talking = String(member.isTalking);
    const track = isSelf ? camera.track : member.videoTrack;
    if ((video.srcObject?.getVideoTracks()[0] ?? null) !== track) video.srcObject = track && new MediaStream([track]);
    setHidden(video, track === null);
    video.setAttribute("aria-label", strings.members.cameraOf(shownName));
}

function doingOf({ isSelf, isAway, isTalking, state }, microphone) {
    const texts = strings.members;
    if (isAway) return texts.away;
    if (isSelf) return microphone.phase === "on" ? texts.microphoneOn : texts.listening;
    if (isTalking) return texts.talking;
    if (state === "connected") return texts.listening;
    return state === "failed" || state === "disconnected" ? texts.unreachable : texts.connecting;
}
