// Times and lengths of time, as the reader's locale writes them.

import { locale } from "./language.js";

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });

/** The time of day of an instant (milliseconds since the epoch). */
export const timeOfDay = (at) => clock.format(at);

/** The day of an instant. */
export const date = (at) => day.format(at);

/** A number with as many digits behind the point, or the comma. */
export const number = (value, digits) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

/** A length of time in words as short as a glance. */
export function duration(milliseconds) {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.round(seconds / 60);
    return minutes < 60 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** A running time as a clock shows it: 0:07, 12:30, 1:02:03. */
export function stopwatch(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const shown = parts[0] > 0 ? parts : parts.slice(1);
    return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
