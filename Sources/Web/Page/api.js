// The daemon's HTTP interface, as far as it is about who is who.

/** What the daemon answers to `method` at `path`: `{ status, data }`; `status` is 0 where it is out of reach. */
export async function request(method, path, body) {
    try {
        const answer = await fetch(new URL(path, document.baseURI), {
            method,
            headers: body === undefined ? {} : { "Content-Type": "application/json" },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        const text = await answer.text();
        return { status: answer.status, data: answer.headers.get("Content-Type") === "application/json" ? JSON.parse(text) : null };
    } catch {
        return { status: 0, data: null };
    }
}

/** Back to the sign-in view, where this page's session is over; otherwise nothing. */
export async function checkSession() {
    const { status } = await request("GET", "api/me");
    if (status === 401) location.reload();
}

/** What this device is, for the list of devices. */
export function deviceName() {
    const find = (known) => known.find(([pattern]) => navigator.userAgent.includes(pattern))?.[1];
    // The first that fits: Edge also says that it is Chrome, and Chrome that it is Safari.
    const browser = find([["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]]);
    const system = find([["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Mac OS", "Mac"], ["Windows", "Windows"], ["Linux", "Linux"]]);
    return [browser ?? "Browser", system].filter(Boolean).join(", ");
}
