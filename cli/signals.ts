/** Ctrl-C and its like end a command's work before they end the process. */
export type Interrupt = { readonly signal: AbortSignal; readonly done: () => void };

export const onInterrupt = (): Interrupt => {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const abort = (): void => controller.abort();
  for (const name of names) process.once(name, abort);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of names) process.removeListener(name, abort);
    },
  };
};
