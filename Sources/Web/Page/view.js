// Draws the state into the page. Every function is idempotent: it may be called at any time with the whole state.

import { intercomFaceOf, intercomStatusOf } from "./intercom-view.js";
import { chosenLanguage, languages } from "./language.js";
import { strings } from "./strings.js";

export const element = (id) => document.getElementById(id);

/** Writes only what differs, so that a screen reader hears a live region once for each change. */
export function setText(target, text) {
    if (target.textContent !== text) target.textContent = text;
}

export function setHidden(target, isHidden) {
    if (target.hidden !== isHidden) target.hidden = isHidden;
}

/** Fills what never changes from the table of texts, by the elements' `data-text` and `data-label`. */
export function fillTexts() {
    const lookUp = (path) => path.split(".").reduce((table, key) => table[key], strings);
    document.documentElement.lang = strings.language;
    document.querySelectorAll("[data-text]").forEach((target) => setText(target, lookUp(target.dataset.text)));
    document.querySelectorAll("[data-label]").forEach((target) => target.setAttribute("aria-label", lookUp(target.dataset.label)));
    element("chat-text").placeholder = strings.chat.label;
    const choices = [["", strings.settings.automatic], ...Object.entries(languages)];
    element("language").replaceChildren(...choices.map(([code, name]) => new Option(name, code, false, code === chosenLanguage)));
    element("name").placeholder = strings.settings.namePlaceholder;
    element("shortcut-list").replaceChildren(...Object.values(strings.shortcuts).flatMap(([key, meaning]) => pair(key, meaning, "kbd")));
}

export function pair(name, value, nameTag = "span") {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement(nameTag), { textContent: name }));
    return [term, Object.assign(document.createElement("dd"), { textContent: value })];
}

/** The reason of an end in words. */
function reasonText(reason, limit) {
    if (!reason) return "";
    const text = strings.reasons[reason.code] ?? strings.reasons.other;
    return typeof text === "function" ? text(reason.by, limit) : text;
}

function connectionText({ connection }, now) {
    if (connection.phase !== "waiting") return "";
    const wait = connection.retryAt - now;
    if (connection.way === "outside") {
        const texts = strings.outside;
        const what = texts.problems[connection.problem];
        if (connection.retryAt === null) return what;
        return `${what} ${wait > 500 ? texts.waitingFor(wait) : texts.tryingAgain}`;
    }
    return wait > 500 ? strings.connection.waitingFor(wait) : strings.connection.tryingAgain;
}

/** Whether the stage belongs to the call with the door. */
function isAtTheDoor({ phase }) {
    return !["idle", "ended", "failed"].includes(phase);
}

/** Title and text over the picture: what is going on, honestly. */
function statusOf(state, now) {
    const { status, connection, door, limit } = state;
    const texts = strings.stage;
    const intercom = isAtTheDoor(status) ? null : intercomStatusOf(state.intercom);
    if (intercom) return intercom;
    switch (status.phase) {
        case "idle":
            if (connection.phase === "open") return { title: "", text: "" };
            return {
                title: connection.phase === "waiting" ? strings.connection.none : strings.connection.noneYet,
                text: connectionText(state, now),
                isBusy: true,
            };
        case "calling":
            return { title: texts.calling, text: "", isBusy: true };
        case "connecting":
            return { title: texts.connecting, text: "", isBusy: true };
        case "live":
            if (door.camera !== "none") return { title: "", text: "" };
            return { title: texts.soundOnly, text: texts.soundOnlyHint };
        case "interrupted": {
            const hints = {
                disconnected: texts.interruptedHint, restarting: texts.restartingHint, frozen: texts.frozenHint, signalling: texts.signallingLostHint,
            };
            return { title: texts.interrupted, text: hints[status.why], isBusy: true };
        }
        case "retrying": {
            const wait = (status.retryAt ?? 0) - now;
            const next = connection.phase !== "open" ? connectionText(state, now) : wait > 900 ? texts.retryingIn(wait) : "";
            return { title: texts.retrying, text: `${reasonText(status.reason, limit)} ${next}`.trim(), isBusy: true };
        }
        case "ended":
        case "failed": {
            const isOut = connection.phase !== "open";
            const text = `${reasonText(status.reason, limit)} ${connectionText(state, now)}`.trim();
            return { title: status.phase === "ended" ? texts.ended : texts.failed, text, isBusy: isOut };
        }
    }
}

function drawControl(id, icon, text) {
    const control = element(id);
    const use = control.querySelector("use");
    if (use.getAttribute("href") !== icon) use.setAttribute("href", icon);
    setText(control.querySelector("span"), text);
}

function drawTalk({ status, intercom, microphone, isPushToTalk }) {
    const texts = strings.actions;
    const held = ["#icon-microphone", texts.holdToTalk];
    const shown = {
        off: isPushToTalk ? held : ["#icon-microphone", texts.talk],
        asking: ["#icon-microphone", texts.asking],
        on: isPushToTalk ? held : ["#icon-microphone", texts.mute],
        muted: isPushToTalk ? held : ["#icon-microphone-off", texts.unmute],
    }[microphone.phase];
    drawControl("talk", ...shown);
    element("talk").dataset.phase = microphone.phase;
    const isHeardByOther = microphone.phase === "on" && !isAtTheDoor(status);
    const heard = isHeardByOther ? strings.intercom.hears(intercom.other?.name || strings.people.somebody) : strings.talking[microphone.phase];
    // nobody hears anything before the call is answered
    const isTold = microphone.phase !== "off" && (isAtTheDoor(status) || intercom.phase === "talking" || microphone.phase === "asking");
    setText(element("talk-state"), isTold ? heard : "");
    setHidden(element("talk-state"), !isTold);
}

function drawNotes({ door, isOpen }) {
    const keys = isOpen ? ["camera", "microphone", "speaker"].map((device) => `${device}:${door[device]}`) : [];
    const notes = keys.map((key) => strings.devices[key]).filter(Boolean);
    const list = element("device-list");
    if (list.dataset.shown === notes.join("\n")) return;
    list.dataset.shown = notes.join("\n");
    list.replaceChildren(...notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
    setHidden(element("device-notes"), notes.length === 0);
}

/** Shows one of the bar's three faces; a focus that would vanish with another goes to the stage, which they all belong to. */
function drawBar(shown) {
    const focused = document.activeElement;
    const hadFocus = element("stage").querySelector(".bar").contains(focused);
    for (const face of ["watch", "cancel", "controls"]) setHidden(element(face), face !== shown);
    if (hadFocus && !focused.checkVisibility()) element("stage").focus({ preventScroll: true });
}

/** The whole upper part: masthead, picture, bar. */
export function drawStage(state, now) {
    const { status, connection, door, picture, limit } = state;
    const isOpen = connection.phase === "open";
    const isIdle = !isAtTheDoor(status);
    const isTalking = isIdle && state.intercom.phase === "talking";
    const isShowing = status.phase === "live" || status.phase === "interrupted";

    document.body.dataset.phase = status.phase;
    document.body.dataset.talking = String(isTalking);
    setText(element("door-name"), door.name);
    const isOutside = connection.way === "outside";
    document.body.dataset.way = connection.way ?? "";
    setText(element("connection"), isOpen && isOutside ? strings.outside.open : strings.connection[connection.phase]);
    element("connection").dataset.phase = connection.phase;

    const { title, text, isBusy = false } = statusOf(state, now);
    setText(element("status-title"), title);
    setText(element("status-text"), text);
    setHidden(element("spinner"), !isBusy);
    element("status").classList.toggle("status-clear", title === "");

    element("video").classList.toggle("video-shown", isShowing && door.camera !== "none");
    if (picture.aspectRatio) element("frame").style.setProperty("--picture-ratio", String(picture.aspectRatio));

    setHidden(element("live"), status.phase !== "live" && !isTalking);
    if (isTalking) {
        setText(element("live-text"), strings.intercom.inCall);
        setText(element("elapsed"), strings.stage.elapsed(now - state.intercom.since));
    }
    if (status.phase === "live") {
        const elapsed = now - status.since;
        const left = limit - elapsed;
        const isEnding = limit > 0 && left < 60_000;
        setText(element("live-text"), strings.stage.live);
        setText(element("elapsed"), isEnding ? strings.stage.endsIn(left) : strings.stage.elapsed(elapsed));
    }
    drawNotes({ door, isOpen });
    setHidden(element("unblock-sound"), !(isShowing && picture.isSoundBlocked));

    const again = status.phase === "ended" ? strings.actions.watchAgain : strings.actions.tryAgain;
    setText(element("watch-text"), status.phase === "idle" ? strings.actions.watch : again);
    drawBar(isIdle ? (intercomFaceOf(state.intercom) ?? "watch") : isShowing ? "controls" : "cancel");
    // aria-disabled keeps the button in reach of the keyboard while the page reconnects.
    element("watch").setAttribute("aria-disabled", String(!isOpen));

    drawTalk(state);
    const isSilent = picture.isMuted || picture.isSoundBlocked;
    drawControl("sound", isSilent ? "#icon-speaker-off" : "#icon-speaker", isSilent ? strings.actions.soundOn : strings.actions.soundOff);
    const isFull = document.fullscreenElement !== null;
    setHidden(element("full-screen"), isTalking);
    setHidden(element("see-door"), !isTalking);
    drawControl("full-screen", isFull ? "#icon-shrink" : "#icon-expand", isFull ? strings.actions.leaveFullScreen : strings.actions.fullScreen);
}
