/** acceptedEpoch and currentEpoch: decimal text, replaced whole, one at a time in the order asked. */
import type { Disk } from './disk.js';

export type EpochName = 'acceptedEpoch' | 'currentEpoch';

export type EpochWriter = {
  /** @param mayStart asked again whenever `pump` is called: whether what must be durable before this epoch is so */
  readonly save: (name: EpochName, epoch: number, mayStart: () => boolean, done: () => void) => void;
  readonly pump: () => void;
};

type Ask = {
  readonly name: EpochName;
  readonly epoch: number;
  readonly mayStart: () => boolean;
  readonly done: () => void;
};

export const openEpochWriter = (disk: Disk, dir: string, fail: (what: string, error: unknown) => void): EpochWriter => {
  const asks: Ask[] = [];
  let busy = false;

  const pump = (): void => {
    const ask = asks[0];
    if (busy || ask === undefined || !ask.mayStart()) return;
    asks.shift();
    busy = true;
    try {
      write(ask);
    } catch (error) {
      fail(ask.name, error);
    }
  };

  const write = ({ name, epoch, done }: Ask): void => {
    const path = `${dir}/${name}`;
    const file = disk.open(`${path}.tmp`, 'create');
    file.write(Buffer.from(String(epoch)), 0);
    file.sync((error) => {
      if (error !== null) return fail(name, error);
      try {
        file.close();
        disk.rename(`${path}.tmp`, path);
        disk.syncDir(dir, (dirError) => {
          if (dirError !== null) return fail(name, dirError);
          busy = false;
          done();
          pump();
        });
      } catch (e) {
        fail(name, e);
      }
    });
  };

  return {
    save: (name, epoch, mayStart, done) => {
      asks.push({ name, epoch, mayStart, done });
      pump();
    },
    pump,
  };
};
