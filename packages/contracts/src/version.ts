/** Of this Anneal; a test holds it to package.json. */
export const annealVersion = "0.1.0";

/** Of the tables and messages between console and workers; raised with every change that an older worker cannot follow. */
export const workerProtocolVersion = 1;
