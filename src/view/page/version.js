// @ts-check
// Which page this is: the server puts its version in when it serves the file, and lets no other connect.

export const PAGE = "UNKNOWN";
