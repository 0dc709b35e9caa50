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
    const texts = strings.signIn;
    const isInvited = Boolean(invite);
    const form = element("sign-in-form");
    const code = element("sign-in-code");
    const name = element("sign-in-name");

    const kind = isInvited ? "invited" : isNew ? "first" : "known";
    document.title = `${texts[kind].title} · ${strings.product}`;
    setText(element("sign-in-title"), texts[kind].title);
    setText(element("sign-in-text"), texts[kind].text);
    setText(element("sign-in-submit"), texts[kind].submit);
    setHidden(element("sign-in-name-field"), kind !== "first");
    setHidden(element("sign-in-code-field"), kind === "invited");
    name.required = kind === "first";
    code.required = kind !== "invited";
    if (pair) code.value = pair;
    setHidden(element("sign-in"), false);
    const first = { first: name, known: pair ? element("sign-in-submit") : code, invited: element("sign-in-submit") };
    first[kind].focus();

    return new Promise((resolve) => {
        const submit = async (event) => {
            event.preventDefault();
            const button = element("sign-in-submit");
            button.disabled = true;
            setText(element("sign-in-error"), "");
            const device = deviceName();
            const answer = isInvited
                ? await request("POST", "api/join", { invitation: invite, device })
                : await request("POST", "api/pair", { code: code.value, device, ...(kind === "first" ? { name: name.value } : {}) });
            button.disabled = false;
            if (answer.status !== 200) {
                setText(element("sign-in-error"), errorText(answer));
                return;
            }
            form.removeEventListener("submit", submit);
            removeEventListener("hashchange", reload);
            forgetLink();
            setHidden(element("sign-in"), true);
            resolve(answer.data);
        };
        // A link opened in the same tab changes nothing but what is behind the `#`.
        const reload = () => location.reload();
        form.addEventListener("submit", submit);
        addEventListener("hashchange", reload);
    });
}
