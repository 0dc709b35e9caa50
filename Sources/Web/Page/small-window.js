// The picture in a small window of its own, above whatever else the device shows (W3C Picture-in-Picture).

/** Whether this browser gives pages such windows; Firefox has a button of its own for it. */
export const hasSmallWindows = document.pictureInPictureEnabled === true;

/** Whether the picture is in one. */
export const isInSmallWindow = () => Boolean(document.pictureInPictureElement);

/** Puts what `video` shows into one, or back into the page. */
export async function toggleSmallWindow(video) {
    try {
        if (isInSmallWindow()) await document.exitPictureInPicture();
        else await video.requestPictureInPicture();
    } catch {
        // The browser or the system refuses it: the picture stays where it is.
    }
}
