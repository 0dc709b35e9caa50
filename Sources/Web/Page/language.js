// Which language the page speaks: the one that was chosen here, else the first of the browser's that there are texts in.

const storageKey = "doorward.language";

/** The languages that there are texts in, by their own names. */
export const languages = { en: "English", de: "Deutsch" };

/** What was chosen; empty where the browser decides. */
export const chosenLanguage = stored();

const languageOf = (locale) => locale.split("-")[0].toLowerCase();

export const language = chosenLanguage || navigator.languages.map(languageOf).find((code) => code in languages) || "en";

/** How the reader writes times and numbers: the browser's own variant of the language, where it has one. */
export const locale = navigator.languages.find((candidate) => languageOf(candidate) === language) ?? language;

/** Speaks `code` from now on; empty for what the browser says. A call that is going on is resumed. */
export function chooseLanguage(code) {
    try {
        if (code) localStorage.setItem(storageKey, code);
        else localStorage.removeItem(storageKey);
    } catch {
        // No storage: the page goes on in the language of before.
    }
    location.reload();
}

function stored() {
    try {
        const code = localStorage.getItem(storageKey) ?? "";
        return code in languages ? code : "";
    } catch {
        return "";
    }
}
