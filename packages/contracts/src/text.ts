import { z } from "zod";

const loneSurrogate = /[\uD800-\uDFFF]/u;

/** Postgres and UTF-8 files hold neither a zero character nor half a surrogate pair; a text with one fails far from its field. */
export const isWellFormedText = (text: string): boolean => !text.includes("\0") && !loneSurrogate.test(text);

/** A free text of a person or a program. Every string of an input that no pattern bounds is made from this. */
export const wellFormedText = () =>
  z.string().refine(isWellFormedText, "must not hold a zero character or half a surrogate pair");
