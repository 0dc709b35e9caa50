// Every text of the page, in one table for each language. An entry is a string, or a function of the values it speaks of.

import { english } from "./english.js";
import { german } from "./german.js";
import { language } from "./language.js";

export const strings = { en: english, de: german }[language];
