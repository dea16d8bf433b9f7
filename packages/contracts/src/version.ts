/** Of this Anneal; a test holds it to package.json. */
export const annealVersion = "0.1.0";
