// What comes first: the page for those who belong here, the sign-in view for others.

import { request } from "./api.js";
import { startHousehold } from "./household.js";
import { signIn } from "./sign-in.js";
import { strings } from "./strings.js";
import { element, fillTexts, setText } from "./view.js";

async function start() {
    fillTexts();
    let { status, data: me } = await request("GET", "api/me");
    if (status === 401) {
        document.body.dataset.session = "out";
        // What the door is called is for those who belong here.
        setText(element("door-name"), strings.product);
        me = await signIn({ isNew: me?.isNew ?? false });
        status = 200;
    }
    // Whatever else the daemon says, the page itself tells better: it goes on asking.
    document.body.dataset.session = "in";
    if (status === 200 && me) startHousehold(me);
    await import("./app.js");
}

start();
