/** The files and processes that are tracked: watchers of the kernel on one side, reports on the other. */
import type { Micros } from '../base/time.ts';
import { FileWatch, initialiseFile } from '../kernel/file-watch.ts';
import { native } from '../kernel/native.ts';
import { type ProcessSource, ProcessWatch } from '../kernel/process-events.ts';
import type { TrackerReport } from '../vrrp/track-board.ts';
import { type FileDefinition, readNumber } from '../vrrp/track-file.ts';
import { type ProcessDefinition, ProcessQuorum, type QuorumReport } from '../vrrp/track-process.ts';

export interface WatcherEvents {
  /** A verdict or a number is new. */
  changed(report: TrackerReport): void;
  notice(text: string): void;
}

interface WatchedFile {
  readonly definition: string;
  readonly watch: FileWatch;
}

export class Watchers {
  readonly #events: WatcherEvents;
  readonly #files = new Map<string, WatchedFile>();
  readonly #reports = new Map<string, TrackerReport>();
  readonly #quorums = new Map<string, ProcessQuorum>();
  #processes: { readonly definition: string; readonly watch: ProcessWatch } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(events: WatcherEvents) {
    this.#events = events;
  }

  get processSource(): ProcessSource | undefined {
    return this.#processes?.watch.source;
  }

  /** What each says now: said again every second, so that silence means that nobody watches. */
  get reports(): readonly TrackerReport[] {
    return [...this.#reports.values()];
  }

  configure(files: readonly FileDefinition[], processes: readonly ProcessDefinition[]): void {
    this.#configureFiles(files);
    const definition = JSON.stringify(processes);
    if (definition === (this.#processes?.definition ?? '[]')) return;
    this.#closeProcesses();
    for (const { name, ...quorum } of processes) this.#quorums.set(name, new ProcessQuorum(quorum));
    if (processes.length === 0) return;
    const patterns = new Map(processes.map(({ name, process }) => [name, process]));
    const watch = new ProcessWatch(patterns, (name, count) => this.#count(name, count));
    this.#processes = { definition, watch };
  }

  close(): void {
    this.#configureFiles([]);
    this.#closeProcesses();
  }

  #configureFiles(files: readonly FileDefinition[]): void {
    const wanted = new Map(files.map((file) => [file.name, file]));
    for (const [name, { definition, watch }] of this.#files) {
      if (JSON.stringify(wanted.get(name)) === definition) continue;
      watch.close();
      this.#files.delete(name);
      this.#reports.delete(`file ${name}`);
    }
    for (const [name, file] of wanted) {
      if (this.#files.has(name)) continue;
      this.#initialise(file);
      const watch = new FileWatch(file.path, (content) => {
        const { number, words } = readNumber(content, this.#reports.get(`file ${name}`)?.number);
        this.#say({ kind: 'file', name, verdict: 'up', number, words });
      });
      this.#files.set(name, { definition: JSON.stringify(file), watch });
    }
  }

  #initialise({ name, path, init_file }: FileDefinition): void {
    if (init_file === undefined) return;
    try {
      initialiseFile(path, init_file.number, init_file.overwrite);
    } catch (error) {
      this.#events.notice(`file ${name} cannot be made: ${(error as Error).message}`);
    }
  }

  #closeProcesses(): void {
    clearTimeout(this.#timer);
    this.#processes?.watch.close();
    this.#processes = undefined;
    for (const name of this.#quorums.keys()) this.#reports.delete(`process ${name}`);
    this.#quorums.clear();
  }

  #count(name: string, count: number): void {
    this.#take(name, this.#quorums.get(name)?.handle(count, now()) ?? []);
    this.#rest();
  }

  #take(name: string, reports: readonly QuorumReport[]): void {
    for (const { verdict, words } of reports) this.#say({ kind: 'process', name, verdict, words });
    // A count that changes no verdict changes the words that are said next.
    const report = this.#quorums.get(name)?.report;
    if (report !== undefined)
      this.#reports.set(`process ${name}`, {
        kind: 'process',
        name,
        verdict: report.verdict,
        words: report.words,
      });
  }

  #rest(): void {
    clearTimeout(this.#timer);
    const deadlines = Array.from(this.#quorums.values(), ({ deadline }) => deadline ?? Infinity);
    const next = Math.min(...deadlines);
    if (next === Infinity) return;
    this.#timer = setTimeout(
      () => {
        for (const [name, quorum] of this.#quorums) this.#take(name, quorum.handle(undefined, now()));
        this.#rest();
      },
      Math.max(0, Math.ceil((next - now()) / 1_000)),
    );
  }

  #say(report: TrackerReport): void {
    this.#reports.set(`${report.kind} ${report.name}`, report);
    this.#events.changed(report);
  }
}

const now = (): Micros => native.now() as Micros;
