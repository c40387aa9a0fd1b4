/** The demo at a terminal: lines that are redrawn in place, and one key for each disaster. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { createColors } from 'picocolors';
import type { Micros } from '../base/time.ts';
import { micros, seconds } from '../base/time.ts';
import type { ClientSummary } from '../drill/client-view.ts';
import type { HttpSummary } from '../drill/http-prober.ts';
import type { SeenDirector } from '../drill/judge-seat.ts';
import type { Stage } from '../drill/story-step.ts';
import { inMilliseconds } from '../drill/story-text.ts';

type Colours = ReturnType<typeof createColors>;

const redrawPeriod_ms = 150;
const shownEvents = 8;
/** A disaster is judged for so long; after that its numbers stand still. */
const judgedTime = seconds(30);
const keys = 'active: k kill -9, f freeze, l link   s kill a server   c restore   q quit';

/** Shows the pair until q or Ctrl-C is typed. @throws AbortError when the stage's signal is given */
export async function showLive(stage: Stage, colours: Colours): Promise<void> {
  const view = new LiveView(stage, colours);
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.on('data', view.onKey);
  try {
    while (!view.done) {
      view.draw();
      await sleep(redrawPeriod_ms, undefined, { signal: stage.signal });
    }
  } finally {
    stdin.off('data', view.onKey);
    stdin.setRawMode(false);
    stdin.pause();
  }
}

class LiveView {
  readonly #stage: Stage;
  readonly #colours: Colours;
  readonly #events: string[] = [];
  #drawn = 0;
  #done = false;
  #deed: { readonly text: string; readonly at: Micros };
  #linkDown: SeenDirector | undefined;
  #lastOwner: SeenDirector | undefined;

  constructor(stage: Stage, colours: Colours) {
    this.#stage = stage;
    this.#colours = colours;
    this.#deed = { text: 'the beginning', at: stage.watch.now() };
  }

  get done(): boolean {
    return this.#done;
  }

  readonly onKey = (typed: Buffer): void => {
    for (const key of typed.toString('latin1'))
      this.#act(key).catch((error: unknown) => this.#say(String(error)));
  };

  async #act(key: string): Promise<void> {
    const { pair, watch } = this.#stage;
    // On a busy machine the owner may go unseen for a moment: then it is the last one seen, if it still runs.
    const [seen = this.#lastOwner] = watch.owners();
    const active = seen !== undefined && pair.state(seen) === 'running' ? seen : undefined;
    switch (key) {
      case 'q':
      case '\x03': // Ctrl-C is a key in raw mode
        this.#done = true;
        return;
      case 'c':
        return this.#restore();
      case 'l':
        if (this.#linkDown !== undefined) {
          this.#begin(`link of ${this.#linkDown.name} up`);
          await pair.plug(this.#linkDown);
          this.#linkDown = undefined;
        } else if (active !== undefined) {
          this.#begin(`link of ${active.name} down`);
          this.#linkDown = active;
          await pair.unplug(active);
        }
        return;
      case 's':
        return this.#killServer();
      case 'k':
      case 'f':
        if (active === undefined) {
          this.#say('no running director owns the address: nothing to disturb');
          return;
        }
        this.#begin(key === 'k' ? `kill -9 of everything on ${active.name}` : `${active.name} frozen`);
        return key === 'k' ? pair.kill(active) : pair.freeze(active);
      default:
    }
  }

  async #killServer(): Promise<void> {
    const servers = this.#stage.site?.servers;
    const server = servers?.servers.find((one) => servers.alive(one));
    if (servers === undefined || server === undefined) {
      this.#say('no web server runs: nothing to disturb');
      return;
    }
    this.#begin(`kill -9 of everything on ${server.name}`);
    await servers.kill(server);
  }

  async #restore(): Promise<void> {
    const { pair, site } = this.#stage;
    for (const server of site?.servers.servers ?? [])
      if (site?.servers.alive(server) === false) {
        this.#begin(`${server.name} started again`);
        site.servers.start(server);
      }
    for (const director of pair.directors) {
      const state = pair.state(director);
      if (state === 'ended') {
        this.#begin(`${director.name} started again`);
        pair.start(director);
      } else if (state === 'frozen') {
        this.#begin(`${director.name} woken`);
        await pair.thaw(director);
      }
    }
  }

  #begin(text: string): void {
    this.#deed = { text, at: this.#stage.watch.now() };
    this.#say(text);
  }

  #say(text: string, time = Date.now()): void {
    this.#events.push(`${new Date(time).toISOString().slice(11, 23)}  ${text}`);
    this.#events.splice(0, this.#events.length - shownEvents);
  }

  draw(): void {
    const { pair } = this.#stage;
    for (const director of pair.directors)
      for (const { time, message } of pair.log(director).read())
        this.#say(`${director.name}  ${message}`, time);
    const width = process.stdout.columns || 80;
    const lines = this.#lines().map(([text, paint]) => paint(text.slice(0, width - 1)));
    const back = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\x1b[J`;
    process.stdout.write(`${back}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #lines(): readonly (readonly [string, (text: string) => string])[] {
    const { pair, watch } = this.#stage;
    const { bold, dim, green, red, yellow } = this.#colours;
    const plain = (text: string): string => text;
    const owners = watch.owners();
    this.#lastOwner = owners[0] ?? this.#lastOwner;
    const now = watch.now();
    const { client, http, ownership } = watch.seen({
      from: this.#deed.at,
      to: micros(Math.min(now, this.#deed.at + judgedTime)),
    });
    const recent = watch.seen({ from: micros(now - seconds(1)), to: now });
    const pages = recent.http && httpLine(recent.http);
    const { twoOwners, noOwner } = ownership;
    return [
      ['', plain],
      ...pair.directors.map((director) => {
        const owns = owners.includes(director);
        const link = this.#linkDown === director ? ', link down' : '';
        const priority = this.#stage.instanceOf(director).priority;
        const words = owns ? `OWNS ${watch.address}` : '';
        const state = (pair.state(director) + link).padEnd(20);
        const text = `  ${director.name}  priority ${priority}  ${state} ${words}`;
        return [text, owns ? green : plain] as const;
      }),
      owners.length === 0 ? ['  nobody answers for the address', red] : ['', plain],
      [`  last second: ${answered(recent.client)} pings${pages ?? ''} answered`, plain],
      [`  since ${this.#deed.text}:`, bold],
      [
        `    unanswered: ping ${inMilliseconds(client.longestOutage)}` +
          (http === undefined ? '' : `, HTTP ${inMilliseconds(http.longestOutage)}`) +
          `; no owner ${inMilliseconds(noOwner.longest)}, two owners ${inMilliseconds(twoOwners.total)}`,
        twoOwners.total > 0 ? red : bold,
      ],
      ['', plain],
      ...Array.from({ length: shownEvents }, (_, at) => [`  ${this.#events[at] ?? ''}`, dim] as const),
      ['', plain],
      [`  ${keys}`, yellow],
    ];
  }
}

const answered = ({ sent, lost }: ClientSummary): string => `${sent - lost} of ${sent}`;
const httpLine = (http: HttpSummary): string => `, ${answered(http)} requests by ${http.servers.join(', ')}`;
