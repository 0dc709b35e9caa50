// The panels of what goes over the data channel: the door's controls, and the chat.

import { hasSmallWindows, isInSmallWindow } from "./small-window.js";
import { strings } from "./strings.js";
import { element, setHidden, setText } from "./view.js";

export function drawConversation({ conversation, members, picture, status }) {
    drawDoor(conversation, picture, status);
    drawChat(conversation, members.filter(({ isSelf, isAway }) => !isSelf && !isAway));
}

function drawDoor({ controls, problem }, picture, status) {
    const texts = strings.door;
    const hasPicture = status.phase === "live" && picture.aspectRatio !== null;
    setHidden(element("door-panel"), controls.lock === "none" && controls.light === "none" && !hasPicture);
    setHidden(element("unlock"), controls.lock === "none");
    setText(element("unlock"), controls.lock === "unlocked" ? texts.isOpen : texts.unlock);
    element("unlock").dataset.state = controls.lock;
    setHidden(element("light"), controls.light === "none");
    setText(element("light"), controls.light === "on" ? texts.lightOff : texts.lightOn);
    element("light").setAttribute("aria-pressed", String(controls.light === "on"));
    setHidden(element("snapshot"), !hasPicture);
    setHidden(element("small-window"), !hasPicture || !hasSmallWindows);
    setText(element("small-window"), isInSmallWindow() ? texts.backToPage : texts.smallWindow);
    setHidden(element("control-problem"), problem === null);
    if (problem !== null) setText(element("control-problem"), texts.problems[problem] ?? texts.problems.failed);
}

function drawChat({ isOpen, messages }, others) {
    // Alone there is nobody to write to, but what was written stays to be read.
    setHidden(element("chat-panel"), !isOpen || (others.length === 0 && messages.length === 0));
    setHidden(element("chat-form"), others.length === 0);
    drawRecipients(others);
    const list = element("chat");
    const shown = JSON.stringify(messages);
    if (list.dataset.shown === shown) return;
    list.dataset.shown = shown;
    list.replaceChildren(...messages.map(messageItem));
    list.scrollTop = list.scrollHeight;
}

function drawRecipients(others) {
    const select = element("chat-recipient");
    const values = [{ id: "", name: strings.chat.all }, ...others];
    const shown = JSON.stringify(values.map(({ id, name }) => [id, name]));
    if (select.dataset.shown === shown) return;
    select.dataset.shown = shown;
    const chosen = select.value;
    select.replaceChildren(...values.map(({ id, name }) => new Option(name || strings.people.somebody, id)));
    // Who was chosen and left is nobody: never all by accident.
    select.value = values.some(({ id }) => id === chosen) ? chosen : "";
    setHidden(select, others.length < 2);
}

function messageItem({ from, text, at, isOwn, isPrivate, to, state }) {
    const texts = strings.chat;
    const item = document.createElement("li");
    item.dataset.own = String(isOwn);
    const name = isOwn ? (to === null ? strings.people.you : texts.youTo(to)) : from || strings.people.somebody;
    const said = [name, isPrivate && !isOwn ? texts.onlyYou : null, texts.at(at), isOwn && state !== "sent" ? texts.states[state] ?? texts.states.failed : null];
    item.append(
        Object.assign(document.createElement("span"), { className: "doing", textContent: said.filter(Boolean).join(" · ") }),
        Object.assign(document.createElement("p"), { textContent: text }),
    );
    return item;
}
