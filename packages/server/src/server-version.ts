/** The version of this package, as the handshake tells it. */
export const SERVER_VERSION = '0.1.0';
