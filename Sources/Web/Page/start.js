// What comes first: the page for those who belong here, the sign-in view for others.

import { request } from "./api.js";
import { startDoorSettings } from "./door-settings.js";
import { enrolment, isCopy } from "./enrolment.js";
import { startHousehold } from "./household.js";
import { join, signIn } from "./sign-in.js";
import { strings } from "./strings.js";
import { element, fillTexts, setText } from "./view.js";

/** How long the door has to say who is here, where there is another way to it. */
const patience = 2_000;

/** How long after a part of the page did not come it is asked for again. */
const partRetryDelay = 1_000;

async function start() {
    fillTexts();
    await enrolment.load();
    if (isCopy) await startCopy();
    else await startAtHome();
}

async function startAtHome() {
    const asked = request("GET", "api/me");
    const late = new Promise((resolve) => setTimeout(resolve, patience, null));
    const answer = await (enrolment.record === null ? asked : Promise.race([asked, late]));
    if (answer?.status === 401) {
        document.body.dataset.session = "out";
        // What the door is called is for those who belong here.
        setText(element("door-name"), strings.product);
        belong(await signIn({ isNew: answer.data?.isNew ?? false }));
    } else {
        // Whatever else the daemon says, the page itself tells better: it goes on asking.
        asked.then(({ status, data }) => {
            if (status === 200 && data) belong(data);
            // Answered when the page had begun by the other way.
            else if (status === 401) location.reload();
        });
    }
    await openPage({ isHomeSilent: !answer?.status });
}

/** Whether it is known who is here. */
let isKnown = false;

/** `me` is at home here. */
function belong(me) {
    if (isKnown) return;
    isKnown = true;
    startHousehold(me);
    startDoorSettings(me);
    if (me.meeting) enrolment.renew();
    else enrolment.forget();
}

/** Asks once more, where the page began while home did not answer. */
async function atHome() {
    if (isKnown) return;
    const { status, data } = await request("GET", "api/me");
    if (status === 200 && data) belong(data);
}

async function startCopy() {
    if (await join({ enrolment })) await openPage({ isHomeSilent: true });
}

async function openPage({ isHomeSilent }) {
    document.body.dataset.session = "in";
    const { begin } = await import("./app.js").catch(beginAnew);
    begin({ isHomeSilent, atHome });
    keepFiles();
    enrolment.addEventListener("change", keepFiles);
}

/** A part of the page did not come, as where a phone changes networks just then. A browser may keep that in mind for as long as the page
    lives: the page begins anew, once there is an answer. */
async function beginAnew({ message }) {
    console.warn(`doorward: a part of the page did not come: ${message}`);
    do {
        await new Promise((resolve) => setTimeout(resolve, partRetryDelay));
    } while (!(await fetch(new URL("app.js", document.baseURI)).catch(() => null))?.ok);
    location.reload();
    return new Promise(() => {});
}

/** Where there is a way from outside, the page opens outside, too: a worker keeps its files. */
function keepFiles() {
    if (enrolment.record === null) return;
    navigator.serviceWorker?.register(new URL("worker.js", document.baseURI)).catch(({ message }) => {
        // As with a certificate that the browser was only told to overlook.
        console.info(`doorward: the page's files are not kept: ${message}`);
    });
}

start();
