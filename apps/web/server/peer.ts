/** Set by the console's own HTTP server for every request, whatever the caller sent: the address of the connection. */
export const peerHeader = "x-anneal-peer";

export const peerOf = (headers: Headers): string => headers.get(peerHeader) ?? "unknown";
