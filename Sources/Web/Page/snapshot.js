// The picture as it is now, as a file for the viewer.

/** Saves `<name> <date> <time>.jpg`: the picture that the door itself takes for it or, where it takes none, what `video` shows. */
export async function saveSnapshot(conversation, video, name) {
    const blob = (await conversation.snapshot()) ?? (await shownBy(video));
    if (blob === null) return;
    const now = new Date();
    const digits = (number) => String(number).padStart(2, "0");
    const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map(digits).join("-");
    const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(digits).join(".");
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${name} ${day} ${time}.jpg` });
    link.click();
    // The download has its own hold on the picture once it has begun.
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function shownBy(video) {
    const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}
