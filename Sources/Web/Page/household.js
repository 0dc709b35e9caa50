// Who I am, and for the owner: everybody and everything that may come in, invitations, and sending away.

import { checkSession, request } from "./api.js";
import { enrolment } from "./enrolment.js";
import { strings } from "./strings.js";
import { element, setHidden, setText } from "./view.js";

const texts = strings.household;

/** How long a button that takes something away waits for the second press. */
const secondThoughts = 4_000;

/** Shows the panel for `me`, as `GET /api/me` tells it. */
export function startHousehold(me) {
    // Where nobody signs in there is no household, and whoever watches chooses a name.
    if (me.role === "anybody") return;
    if (me.name) setHidden(element("name").closest(".field"), true);
    setText(element("household-me"), texts.me(me.name ?? "", roleText(me)));
    setHidden(element("household-panel"), false);
    setHidden(element("household-owner"), !me.mayManage);
    // Letters typed here are no shortcuts.
    element("household-panel").addEventListener("keydown", (event) => event.stopPropagation());
    element("sign-out").addEventListener("click", async () => {
        const { status } = await request("POST", "api/sign-out", {});
        if (status !== 204) return;
        await enrolment.forget();
        location.reload();
    });
    if (!me.mayManage) return;

    element("household-fold").addEventListener("toggle", ({ target }) => {
        if (target.open) refresh();
    });
    element("invite-role").addEventListener("change", drawRole);
    element("invite-form").addEventListener("submit", invite);
    element("invite-device").addEventListener("click", () => issue({ person: me.id }));
    element("program-form").addEventListener("submit", addProgram);
    element("issued-copy").addEventListener("click", copy);
    element("issued-done").addEventListener("click", () => setHidden(element("issued"), true));
    drawRole();
}

function roleText({ role, until }) {
    return role === "guest" ? texts.guestUntil(until * 1000) : texts.roles[role];
}

function drawRole() {
    const isGuest = element("invite-role").value === "guest";
    setHidden(element("invite-until-field"), !isGuest);
    element("invite-until").required = isGuest;
}

function fail({ status, data }) {
    if (status === 401) checkSession();
    setText(element("household-error"), status === 0 ? texts.unreachable : (data?.message ?? texts.other));
}

async function refresh() {
    const answer = await request("GET", "api/people");
    if (answer.status !== 200) return fail(answer);
    setText(element("household-error"), "");
    const { people, programs, invitations } = answer.data;
    element("household-people").replaceChildren(...people.map(personItem));
    element("household-invitations").replaceChildren(
        ...invitations.map(({ id, name, role }) =>
            row(name, role ? texts.invited(texts.roles[role]) : texts.invitedDevice, removal(`api/invitations/${id}`, texts.takeBack(name))),
        ),
    );
    setHidden(element("household-invitations-part"), invitations.length === 0);
    element("household-programs").replaceChildren(
        ...programs.map(({ id, name, lastSeen }) =>
            row(name, lastSeen ? texts.used(lastSeen * 1000) : texts.neverUsed, removal(`api/programs/${id}`, texts.remove(name))),
        ),
    );
    setHidden(element("household-programs-part"), programs.length === 0);
}

function personItem(person) {
    const item = row(person.name, person.isYou ? `${roleText(person)}, ${strings.people.you}` : roleText(person), removal(`api/people/${person.id}`, texts.remove(person.name)));
    const devices = document.createElement("ul");
    devices.className = "devices";
    devices.replaceChildren(
        ...person.devices.map(({ id, name, lastSeen, isThis }) =>
            row(name, isThis ? texts.thisDevice : texts.used(lastSeen * 1000), removal(`api/devices/${id}`, texts.signDeviceOut(name, person.name), texts.signOutShort)),
        ),
    );
    item.append(devices);
    return item;
}

function row(name, detail, button) {
    const item = document.createElement("li");
    const label = Object.assign(document.createElement("span"), { className: "entry-name", textContent: name });
    label.append(Object.assign(document.createElement("span"), { className: "entry-detail", textContent: detail }));
    item.append(label, button);
    return item;
}

/** A button that takes something away when it is pressed twice. */
function removal(path, label, short = texts.removeShort) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: short });
    button.setAttribute("aria-label", label);
    let isSure = false;
    button.addEventListener("click", async () => {
        if (!isSure) {
            isSure = true;
            button.textContent = texts.sure;
            button.setAttribute("aria-label", `${label}: ${texts.sure}`);
            setTimeout(() => {
                isSure = false;
                button.textContent = short;
                button.setAttribute("aria-label", label);
            }, secondThoughts);
            return;
        }
        const answer = await request("DELETE", path);
        if (answer.status === 204) await refresh();
        else fail(answer);
    });
    return button;
}

// What is made once and shown once.

function invite(event) {
    event.preventDefault();
    const role = element("invite-role").value;
    const body = { name: element("invite-name").value, role };
    // To the end of the day, by the clock of whoever invites.
    if (role === "guest") body.until = Math.floor(new Date(`${element("invite-until").value}T23:59:59`).getTime() / 1000);
    issue(body);
}

async function issue(body) {
    const answer = await request("POST", "api/invitations", body);
    if (answer.status !== 201) return fail(answer);
    showLink(answer.data, { isOutside: false });
    element("invite-form").reset();
    drawRole();
    await refresh();
}

async function addProgram(event) {
    event.preventDefault();
    const answer = await request("POST", "api/programs", { name: element("program-name").value });
    if (answer.status !== 201) return fail(answer);
    show(texts.tokenHint, answer.data.token, null);
    element("program-form").reset();
    await refresh();
}

/** Shows a link; where there is one for outside the house, too, a button goes from one to the other. */
function showLink(issued, { isOutside }) {
    if (isOutside) show(texts.outsideLinkHint, issued.outsideLink, null);
    else show(texts.linkHint, issued.link, issued.qr);
    const other = element("issued-other");
    setHidden(other, issued.outsideLink === undefined);
    setText(other, isOutside ? texts.homeLink : texts.outsideLink);
    other.onclick = () => showLink(issued, { isOutside: !isOutside });
}

function show(hint, secret, picture) {
    setHidden(element("issued-other"), true);
    setText(element("issued-hint"), hint);
    element("issued-secret").value = secret;
    setText(element("issued-copy"), texts.copy);
    setHidden(element("issued-picture"), !picture);
    if (picture) element("issued-picture").src = `data:image/svg+xml,${encodeURIComponent(picture)}`;
    setHidden(element("issued"), false);
    element("issued-secret").select();
}

async function copy() {
    const field = element("issued-secret");
    field.select();
    try {
        await navigator.clipboard.writeText(field.value);
        setText(element("issued-copy"), texts.copied);
    } catch {
        // Without HTTPS there is no clipboard; the text is selected, for the viewer's own keys.
        setText(element("issued-copy"), texts.copyYourself);
    }
}
