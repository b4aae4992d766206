/** A server id becomes the top byte of session ids; nothing above fits, and nobody outside 0 to 255 is a server. */
export const isServerId = (sid: number): boolean => Number.isInteger(sid) && sid >= 0 && sid <= 255;
