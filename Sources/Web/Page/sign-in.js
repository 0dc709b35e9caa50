// The sign-in view: a code for who owns the door, a link for who is invited.

import { deviceName, request } from "./api.js";
import { strings } from "./strings.js";
import { element, setHidden, setText } from "./view.js";

/** What a link carries behind its `#`: `{ invite }`, `{ pair }` or nothing. It never reaches a server or a proxy's log by itself. */
function linkSecrets() {
    return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function forgetLink() {
    history.replaceState(null, "", location.pathname + location.search);
}

function errorText({ status, data }) {
    const texts = strings.signIn.errors;
    if (status === 0) return texts.unreachable;
    return Object.hasOwn(texts, data?.error) ? texts[data.error] : (data?.message ?? texts.other);
}

/** Shows the view until somebody has come in; returns who that is. */
export function signIn({ isNew }) {
    const { invite, pair } = linkSecrets();
    const code = element("sign-in-code");
    const name = element("sign-in-name");
    const kind = invite ? "invited" : isNew ? "first" : "known";
    show(kind);
    if (pair) code.value = pair;
    const first = { first: name, known: pair ? element("sign-in-submit") : code, invited: element("sign-in-submit") };
    first[kind].focus();
    return submitted(async () => {
        const device = deviceName();
        const answer = invite
            ? await request("POST", "api/join", { invitation: invite, device })
            : await request("POST", "api/pair", { code: code.value, device, ...(kind === "first" ? { name: name.value } : {}) });
        return answer.status === 200 ? { value: answer.data } : { failure: errorText(answer) };
    });
}

/** On a copy of the page: by its link an invitation is taken up; whether the page may be opened then. */
export async function join({ enrolment }) {
    const { invite, meeting } = linkSecrets();
    if (!invite || !meeting) {
        // An invitation of another door, or a new one of the same.
        reloadWithLink();
        if (enrolment.record !== null) return true;
        document.body.dataset.session = "out";
        show("elsewhere");
        return false;
    }
    document.body.dataset.session = "out";
    show("invited");
    element("sign-in-submit").focus();
    await submitted(async () => {
        const failure = await enrolment.join({ invite, meeting });
        return failure === null ? { value: null } : { failure: joinErrorText(failure) };
    });
    return true;
}

function joinErrorText({ problem, code, message }) {
    const texts = strings.signIn.errors;
    if (code !== undefined) return Object.hasOwn(texts, code) ? texts[code] : (message ?? texts.other);
    return strings.outside.problems[problem];
}

function show(kind) {
    const texts = strings.signIn;
    document.title = `${texts[kind].title} · ${strings.product}`;
    setText(element("door-name"), strings.product);
    setText(element("sign-in-title"), texts[kind].title);
    setText(element("sign-in-text"), texts[kind].text);
    setText(element("sign-in-submit"), texts[kind].submit ?? "");
    const hasCode = kind === "first" || kind === "known";
    setHidden(element("sign-in-name-field"), kind !== "first");
    setHidden(element("sign-in-code-field"), !hasCode);
    setHidden(element("sign-in-submit"), kind === "elsewhere");
    element("sign-in-name").required = kind === "first";
    element("sign-in-code").required = hasCode;
    setHidden(element("sign-in"), false);
}

/** A link opened in the same tab changes nothing but what is behind the `#`. */
function reloadWithLink() {
    const reload = () => {
        const { invite, pair } = linkSecrets();
        if (invite || pair) location.reload();
    };
    addEventListener("hashchange", reload);
    return () => removeEventListener("hashchange", reload);
}

/** Does `attempt` at each press of the button until it has a `value`, which is returned; otherwise its `failure` is shown. */
function submitted(attempt) {
    const form = element("sign-in-form");
    const stopReloading = reloadWithLink();
    return new Promise((resolve) => {
        const submit = async (event) => {
            event.preventDefault();
            const button = element("sign-in-submit");
            button.disabled = true;
            setText(element("sign-in-error"), "");
            const { value, failure } = await attempt();
            button.disabled = false;
            if (failure !== undefined) {
                setText(element("sign-in-error"), failure);
                return;
            }
            form.removeEventListener("submit", submit);
            stopReloading();
            forgetLink();
            setHidden(element("sign-in"), true);
            resolve(value);
        };
        form.addEventListener("submit", submit);
    });
}
