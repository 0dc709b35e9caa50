// The panels beside the picture: notices, visits, people, settings, statistics.

import { callButton } from "./intercom-view.js";
import { strings } from "./strings.js";
import { element, pair, setHidden, setText } from "./view.js";

/** Draws the panels; like the stage, the whole of them from the whole state. */
export function drawPanels(state) {
    drawNotices(state);
    drawMissed(state.missed);
    drawVisits(state.visits);
    drawPeople(state);
    drawSettings(state);
    drawStatistics(state);
}

function drawNotices({ microphone, isRingLocked, wasTampered }) {
    setHidden(element("tampered"), !wasTampered);
    setHidden(element("microphone-problem"), microphone.problem === null);
    if (microphone.problem !== null) {
        const text = strings.talking[microphone.problem];
        setText(element("microphone-problem-text"), typeof text === "function" ? text(location.origin) : text);
    }
    setHidden(element("ring-locked"), !isRingLocked);
}

function drawMissed(missed) {
    setHidden(element("missed"), missed.length === 0);
    if (missed.length > 0) setText(element("missed-text"), strings.visits.missedMeanwhile(missed.map(({ at }) => at)));
}

function drawVisits(visits) {
    redraw(element("visits"), visits, (visit) => {
        const texts = visit.from === undefined ? strings.visits : strings.intercom.calls;
        const text = visit.outcome === "answered" ? texts.answered(visit.at, visit.by ?? strings.people.somebody) : texts[visit.outcome];
        const item = document.createElement("li");
        item.dataset.outcome = visit.outcome;
        item.textContent = typeof text === "function" ? text(visit.at, visit.from) : text;
        return item;
    });
    setHidden(element("no-visits"), visits.length > 0);
    setHidden(element("clear-visits"), !visits.some((visit) => visit.outcome !== "ringing"));
}

function drawPeople({ participants, selfId, status, intercom }) {
    // whoever is in a call calls nobody else
    const isFree = ["idle", "ended", "failed"].includes(status.phase) && ["idle", "ended"].includes(intercom.phase);
    const focused = document.activeElement?.dataset.participant;
    const viewers = participants.filter((participant) => participant.kind === "viewer");
    const shown = viewers
        .map(({ id, name, inCall, availability }) => ({
            id, name: name || strings.people.somebody, inCall, isSelf: id === selfId,
            isBusy: availability === "busy", canBeCalled: availability === "free" && isFree && id !== selfId,
        }))
        .sort((one, other) => other.isSelf - one.isSelf || other.inCall - one.inCall || one.name.localeCompare(other.name));
    setHidden(element("people-panel"), shown.length === 0);
    redraw(element("people"), shown, ({ id, name, inCall, isSelf, isBusy, canBeCalled }) => {
        const item = document.createElement("li");
        const label = document.createElement("span");
        label.textContent = name;
        if (isSelf) label.append(" ", Object.assign(document.createElement("span"), { className: "you", textContent: `(${strings.people.you})` }));
        const doing = Object.assign(document.createElement("span"), { className: "doing" });
        doing.textContent = inCall ? strings.people.watching : isBusy ? strings.people.inCall : strings.people.here;
        doing.dataset.inCall = String(inCall || isBusy);
        item.append(label, doing);
        if (canBeCalled) item.append(callButton({ id, name }));
        return item;
    });
    if (focused === undefined) return;
    // The list is drawn anew under the fingers of who walks through it by keyboard; who has called goes on at the stage.
    const again = element("people").querySelector(`[data-participant="${CSS.escape(focused)}"]`) ?? element("stage");
    if (again !== document.activeElement) again.focus();
}

function drawSettings({ name, picture, hasShortcuts, isPushToTalk }) {
    const field = element("name");
    // Never under the fingers of somebody who is typing.
    if (document.activeElement !== field && field.value !== name) field.value = name;
    if (document.activeElement !== element("volume")) element("volume").value = String(picture.volume);
    element("shortcuts").checked = hasShortcuts;
    element("push-to-talk").checked = isPushToTalk;
}

function drawStatistics({ statistics, timeline }) {
    setHidden(element("no-statistics"), statistics !== null);
    setHidden(element("statistics-list"), statistics === null);
    if (statistics === null || !element("statistics").open) return;
    const texts = strings.statistics;
    const value = (number, format) => (number === null || Number.isNaN(number) ? texts.unknown : format(number));
    const rows = [
        [texts.picture, statistics.width === null ? texts.unknown : texts.size(statistics.width, statistics.height)],
        [texts.frameRate, value(statistics.frameRate, texts.framesPerSecond)],
        [texts.bitrate, value(statistics.bitrate, texts.bitsPerSecond)],
        [texts.roundTrip, value(statistics.roundTrip, texts.milliseconds)],
        [texts.loss, value(statistics.loss, texts.percent)],
        [texts.buffer, value(statistics.buffered, texts.milliseconds)],
        [texts.codec, statistics.codecs.join(", ") || texts.unknown],
        [texts.path, statistics.path.filter(Boolean).join(" – ") || texts.unknown],
        [texts.startup, value(timeline.since("first frame") ?? null, texts.milliseconds)],
    ];
    element("statistics-list").replaceChildren(...rows.flatMap(([name, text]) => pair(name, text)));
}

/** Builds a list anew only when what it shows has changed. */
function redraw(list, values, draw) {
    const shown = JSON.stringify(values);
    if (list.dataset.shown === shown) return;
    list.dataset.shown = shown;
    list.replaceChildren(...values.map(draw));
}
