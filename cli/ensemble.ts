/** `zabkeeper ensemble`: some servers on this machine, each a process of its own, until they are told to stop. */
import { resolve } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import type { Child } from './children.js';
import { startChild, stopChildren } from './children.js';
import type { Failure, Outcome } from './failure.js';
import { fail, interrupted, ok } from './failure.js';
import type { Layout } from './layout.js';
import { connectString, maxNodes, planLayout, writeLayout } from './layout.js';
import { loopback } from './ports.js';
import type { ServerView } from './serve.js';
import { wholeNumber } from './options.js';
import type { Screen } from './table.js';
import { megabytes, screenOver, seconds, table } from './table.js';

export type EnsembleOptions = {
  readonly nodes?: string;
  readonly data: string;
  readonly basePort?: string;
  readonly json: boolean;
};

/** How long a server may take to stop, milliseconds. */
const patienceMs = 10_000;
/** How often what has changed is shown, milliseconds. */
const terminalMs = 200;
const linesMs = 1000;

export const ensemble = async (options: EnsembleOptions): Promise<Outcome> => {
  const nodes = wholeNumber('--nodes', options.nodes, 1, maxNodes);
  if (E.isLeft(nodes)) return nodes;
  const basePort = wholeNumber('--base-port', options.basePort, 1, 65535);
  if (E.isLeft(basePort)) return basePort;
  const dir = resolve(options.data);
  const layout = await planLayout({ dir, nodes: nodes.right, basePort: basePort.right });
  if (E.isLeft(layout)) return layout;
  const written = writeLayout(dir, layout.right);
  if (E.isLeft(written)) return written;
  return stayUp(dir, layout.right, options.json);
};

/** What is shown, and where. */
type Voice = {
  readonly started: (layout: Layout, dir: string) => void;
  readonly ready: (layout: Layout, ms: number) => void;
  readonly ended: (child: Child) => void;
  readonly show: (children: readonly Child[]) => void;
  readonly stopping: () => void;
  readonly everyMs: number;
};

const stayUp = (dir: string, layout: Layout, json: boolean): Promise<Outcome> =>
  new Promise((settle) => {
    const begun = performance.now();
    const onTerminal = !json && process.stdout.isTTY;
    const voice = json ? jsonVoice() : onTerminal ? terminalVoice(layout, dir) : linesVoice();
    let stopping = false;
    let isReady = false;
    const cleanups: (() => void)[] = [];

    const onChange = (child: Child): void => {
      if (stopping) return;
      if (child.ended() !== null) voice.ended(child);
      if (!isReady && isServing(children)) {
        isReady = true;
        voice.ready(layout, performance.now() - begun);
        voice.show(children);
      }
      if (children.length === layout.nodes.length && children.every((c) => c.ended() !== null))
        stop(fail(allGone(children)));
    };
    const stop = (outcome: Outcome): void => {
      if (stopping) {
        // Asked twice: no more patience.
        for (const child of children) child.kill('SIGKILL');
        return;
      }
      stopping = true;
      clearInterval(timer);
      voice.stopping();
      void stopChildren(children, patienceMs).then(() => {
        for (const cleanup of cleanups) cleanup();
        settle(outcome);
      });
    };

    const children: Child[] = [];
    const timer = setInterval(() => voice.show(children), voice.everyMs);
    const signals = { SIGINT: fail(interrupted), SIGTERM: ok, SIGHUP: ok } as const;
    for (const [signal, outcome] of Object.entries(signals)) {
      const handler = (): void => stop(outcome);
      process.on(signal, handler);
      cleanups.push(() => process.removeListener(signal, handler));
    }
    if (onTerminal && process.stdin.isTTY) cleanups.push(readKeys(stop));
    voice.started(layout, dir);
    for (const node of layout.nodes) children.push(startChild(dir, node, onChange));
  });

/** All that still run serve, and they are enough. */
const isServing = (children: readonly Child[]): boolean => {
  const alive = children.filter((c) => c.ended() === null);
  return alive.length * 2 > children.length && alive.every((c) => c.view()?.serving === true);
};

const allGone = (children: readonly Child[]): Failure => ({
  code: 'ServersStopped',
  exit: 1,
  message: `no server is left: ${[...new Set(children.map((c) => c.ended()?.message ?? ''))].join('; ')}`,
  hint: children[0]?.ended()?.hint ?? '',
});

const readKeys = (stop: (outcome: Outcome) => void): (() => void) => {
  const { stdin } = process;
  const onKey = (key: Buffer): void => {
    const text = key.toString('latin1');
    if (text === 'q') stop(ok);
    // In raw mode the terminal sends no signal.
    if (text === '\u0003') stop(fail(interrupted));
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on('data', onKey);
  return () => {
    stdin.removeListener('data', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
};

/** `LEADING` stands out; a server that does not serve yet shows how far it is. */
const roleText = (child: Child): string => {
  const ended = child.ended();
  if (ended !== null) return `ended (${ended.how})`;
  const view = child.view();
  if (view === null) return 'starting';
  if (!view.serving) return view.phase.toLowerCase();
  return view.role === 'LEADING' ? 'LEADING' : view.role.toLowerCase();
};

const clientText = (child: Child): string => `${loopback}:${child.node.client}`;
const epochText = (view: ServerView | null): string => (view === null ? '-' : String(view.epoch));

const rowsOf = (children: readonly Child[]): readonly string[] =>
  table([
    ['node', 'client', 'role', 'epoch', 'last zxid', 'memory', 'process'],
    ...children.map((c) => {
      const view = c.ended() === null ? c.view() : null;
      const memory = view === null ? '-' : megabytes(view.rssBytes);
      return [
        String(c.node.id),
        clientText(c),
        roleText(c),
        epochText(view),
        view?.zxid ?? '-',
        memory,
        c.ended() === null ? String(c.pid) : '-',
      ];
    }),
  ]);

const endedText = (child: Child): string => {
  const ended = child.ended();
  return `server ${child.node.id} has ended (${ended?.how ?? ''}): ${ended?.message ?? ''}; ${ended?.hint ?? ''}`;
};

const terminalVoice = (layout: Layout, dir: string): Voice => {
  const screen: Screen = screenOver(
    (text) => process.stdout.write(text),
    () => process.stdout.columns,
  );
  let foot = 'starting';
  const draw = (children: readonly Child[]): void =>
    screen.draw([...rowsOf(children), '', foot, `data in ${dir}   keys: q quit`]);
  return {
    started: () => undefined,
    ready: (_, ms) => {
      foot = `connect to ${connectString(layout)}   ready in ${seconds(ms)}`;
    },
    ended: (child) => screen.say(endedText(child)),
    show: draw,
    stopping: () => screen.say('stopping'),
    everyMs: terminalMs,
  };
};

/** For pipes and files: a line when something has changed. */
const linesVoice = (): Voice => {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const shown = new Map<number, string>();
  let zxid = '';
  return {
    started: ({ nodes }, dir) =>
      say(`starting ${nodes.length} ${nodes.length === 1 ? 'server' : 'servers'}, data in ${dir}`),
    ready: (layout, ms) => say(`ready in ${seconds(ms)}, connect to ${connectString(layout)}`),
    ended: (child) => say(endedText(child)),
    show: (children) => {
      for (const child of children) {
        if (child.ended() !== null) continue;
        const view = child.view();
        const text = `${roleText(child)}, epoch ${epochText(view)}`;
        if (shown.get(child.node.id) === text) continue;
        shown.set(child.node.id, text);
        say(`server ${child.node.id} at ${clientText(child)}: ${text}, last zxid ${view?.zxid ?? '-'}`);
      }
      const newest = children.find((c) => c.view()?.role === 'LEADING')?.view()?.zxid ?? zxid;
      if (zxid !== '' && newest !== zxid) say(`last zxid ${newest}`);
      zxid = newest;
    },
    stopping: () => say('stopping'),
    everyMs: linesMs,
  };
};

const jsonVoice = (): Voice => {
  const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
  let shown = '';
  return {
    started: () => undefined,
    ready: (layout, ms) => say({ type: 'ready', connect: connectString(layout), ms: Math.round(ms) }),
    ended: (child) => say({ type: 'ended', id: child.node.id, ...child.ended() }),
    show: (children) => {
      const nodes = children.map((c) => ({
        id: c.node.id,
        client: clientText(c),
        pid: c.ended() === null ? c.pid : null,
        role: c.ended() === null ? (c.view()?.role ?? null) : null,
        serving: c.ended() === null && c.view()?.serving === true,
        leader: c.view()?.leader ?? null,
        epoch: c.view()?.epoch ?? null,
        zxid: c.view()?.zxid ?? null,
      }));
      const text = JSON.stringify(nodes);
      if (text !== shown) say({ type: 'status', nodes });
      shown = text;
    },
    stopping: () => undefined,
    everyMs: linesMs,
  };
};
