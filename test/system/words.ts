/** Four-letter words, asked of a client port. */
import { connect } from 'node:net';

/** @returns the answer; null when nobody listens, the connection breaks, or nothing has come for two seconds */
export const askWord = (port: number, word: string): Promise<string | null> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(word));
    socket.setTimeout(2000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });

/** What `srvr` says; null: down, or not serving. */
export type Served = { readonly mode: string; readonly zxid: string };

export const askServed = async (port: number): Promise<Served | null> => {
  const text = (await askWord(port, 'srvr')) ?? '';
  const mode = /^Mode: (\S+)$/m.exec(text)?.[1];
  const zxid = /^Zxid: (\S+)$/m.exec(text)?.[1];
  return mode === undefined || zxid === undefined ? null : { mode, zxid };
};
