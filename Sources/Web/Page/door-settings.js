// What an owner sets for the door itself, and so for everybody: fields that come from `GET /api/settings`.

import { checkSession, request } from "./api.js";
import { number } from "./formats.js";
import { strings } from "./strings.js";
import { element, setHidden, setText } from "./view.js";

const texts = strings.doorSettings;

/** How each setting is shown, in order: the daemon's number is so many of the page's unit; `offered` are the usual choices. */
const groups = {
    door: { "door.name": {} },
    calls: {
        "calls.ring_timeout_ms": { unit: "seconds", factor: 1_000 },
        "calls.max_duration_ms": { unit: "minutes", factor: 60_000 },
        "calls.resume_ms": { unit: "seconds", factor: 1_000 },
        "lock.pulse_ms": { unit: "seconds", factor: 1_000 },
        "chime.mode": {},
    },
    picture: {
        "video.width": { unit: "pixels" },
        "video.height": { unit: "pixels" },
        "video.frame_rate": { unit: "perSecond" },
        "video.bitrate_kbps": { unit: "kilobits" },
    },
    sound: {
        "audio.capture": { offered: ["auto", "device", "none"] },
        "audio.playback": {},
        "audio.bitrate_kbps": { unit: "kilobits" },
    },
    network: { "network.stun_fallback": {} },
};

const forms = Object.assign({}, ...Object.values(groups));

/** What the daemon told last, by name. */
let settings = new Map();

/** Shows the panel where `me`, as `GET /api/me` tells it, is an owner. */
export function startDoorSettings(me) {
    if (!me.mayManage) return;
    setHidden(element("door-settings-panel"), false);
    // Letters typed here are no shortcuts.
    element("door-settings-panel").addEventListener("keydown", (event) => event.stopPropagation());
    element("door-settings-fold").addEventListener("toggle", ({ target }) => {
        if (target.open) refresh();
    });
    element("door-settings-form").addEventListener("submit", save);
    element("door-settings-form").addEventListener("input", () => tell(""));
}

async function refresh() {
    const answer = await request("GET", "api/settings");
    if (answer.status !== 200) return fail(answer);
    show(answer.data.settings);
    tell("");
}

function tell(saved, error = "") {
    setText(element("door-settings-saved"), saved);
    setText(element("door-settings-error"), error);
}

function fail({ status, data }) {
    if (status === 401) checkSession();
    tell("", status === 0 ? strings.household.unreachable : status === 500 ? (data?.message ?? "") : strings.household.other);
}

function show(list) {
    const known = list.filter(({ name }) => name in forms);
    const isSame = known.length === settings.size && known.every(({ name }) => settings.has(name));
    settings = new Map(known.map((setting) => [setting.name, setting]));
    if (!isSame) element("door-settings-groups").replaceChildren(...Object.entries(groups).map(groupOf).filter(Boolean));
    for (const setting of known) fill(setting);
}

// Fields.

const idOf = (name) => `setting-${name.replace(/[._]/g, "-")}`;
const field = (name) => element(idOf(name));

function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
}

function groupOf([group, names]) {
    const there = Object.keys(names).filter((name) => settings.has(name));
    if (there.length === 0) return null;
    const { heading, hint } = texts.groups[group];
    const node = make("fieldset", { className: "setting-group" }, make("legend", { textContent: heading }));
    if (hint) node.append(make("p", { className: "hint", textContent: hint }));
    node.append(...there.map((name) => fieldOf(settings.get(name))));
    return node;
}

function fieldOf({ name, kind, choices, longest }) {
    const id = idOf(name);
    const { unit, offered } = forms[name];
    const input = kind === "choice" ? make("select", {}) : make("input", { type: kind === "number" ? "number" : "text", autocomplete: "off" });
    if (kind === "choice") {
        const { value, default: usual } = settings.get(name);
        const shown = choices.filter((choice) => !offered || offered.includes(choice) || choice === value || choice === usual);
        input.append(...shown.map((choice) => make("option", { value: choice, textContent: inWords(name, choice) })));
    }
    if (kind === "number") Object.assign(input, { step: "any", inputMode: "decimal" });
    if (longest) input.maxLength = longest;
    input.id = id;
    input.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
    const row = make("div", { className: "setting-value" }, input);
    if (unit) row.append(make("span", { className: "hint", textContent: texts.units[unit] }));
    const reset = make("button", { id: `${id}-reset`, type: "button", className: "quiet", textContent: texts.reset });
    reset.setAttribute("aria-label", texts.resetOf(texts.fields[name].label));
    reset.addEventListener("click", () => {
        input.value = inPage(name, settings.get(name).default);
        input.dispatchEvent(new Event("input", { bubbles: true }));
        input.focus();
    });
    input.addEventListener("input", () => {
        complain(name, "");
        drawReset(name);
    });
    const label = make("label", { htmlFor: id, textContent: texts.fields[name].label });
    return make(
        "div", { className: "field" }, label, row, make("p", { id: `${id}-hint`, className: "hint" }),
        make("p", { id: `${id}-error`, className: "failure" }), reset,
    );
}

/** A value of the daemon's as the field has it, and the other way; NaN for what is no number. */
const inPage = (name, value) => String(typeof value === "number" ? value / (forms[name].factor ?? 1) : value);

function entered({ name, kind }) {
    const text = field(name).value;
    if (kind !== "number") return text;
    return text.trim() === "" ? NaN : Math.round(Number(text) * (forms[name].factor ?? 1));
}

function inWords(name, value) {
    if (typeof value !== "number") return value === "" ? texts.nothing : (texts.choices[name]?.[value] ?? value);
    const { unit, factor = 1 } = forms[name];
    const shown = value / factor;
    return `${number(shown, Number.isInteger(shown) ? 0 : 1)} ${unit ? texts.units[unit] : ""}`.trim();
}

function fill(setting) {
    const { name, value, isChangeable, variable } = setting;
    const input = field(name);
    input.value = inPage(name, value);
    input.disabled = !isChangeable;
    const hint = [texts.fields[name].hint, texts.default(inWords(name, setting.default))].filter(Boolean).join(" ");
    setText(element(`${input.id}-hint`), isChangeable ? hint : texts.fixed(variable ?? "--set"));
    complain(name, "");
    drawReset(name);
}

/** The way back to the default is there where the field has another value. */
function drawReset(name) {
    const input = field(name);
    setHidden(element(`${input.id}-reset`), input.disabled || input.value === inPage(name, settings.get(name).default));
}

function complain(name, text) {
    const input = field(name);
    setText(element(`${input.id}-error`), text);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
}

/** What is wrong with a field, in the page's language; `told` is what the daemon says. */
function problemOf({ name, kind, minimum, maximum, longest, step }, told) {
    if (kind === "number") return texts.wantsNumber(inWords(name, minimum), inWords(name, maximum), step === 2);
    if (name === "network.stun_fallback") return texts.wantsServer;
    return kind === "text" && longest ? texts.wantsText(longest) : told;
}

// Saving.

async function save(event) {
    event.preventDefault();
    const changes = {};
    const wrong = {};
    for (const setting of settings.values()) {
        const value = entered(setting);
        if (!setting.isChangeable || value === setting.value) continue;
        if (Number.isNaN(value)) wrong[setting.name] = "";
        // What is as it would be anyway need not be kept: it follows the configuration file again.
        changes[setting.name] = value === setting.default ? null : value;
    }
    if (Object.keys(wrong).length > 0) return refuse(wrong);
    if (Object.keys(changes).length === 0) return tell(texts.unchanged);
    const answer = await request("PATCH", "api/settings", changes);
    if (answer.status === 422 && answer.data?.settings) return refuse(answer.data.settings);
    if (answer.status !== 200) return fail(answer);
    show(answer.data.settings);
    tell(texts.saved);
}

function refuse(problems) {
    const names = [...settings.keys()].filter((name) => name in problems);
    for (const name of names) complain(name, problemOf(settings.get(name), problems[name]));
    tell("", texts.refused);
    const [first] = Object.keys(forms).filter((name) => names.includes(name));
    if (first) field(first).focus();
}
