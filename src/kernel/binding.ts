import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Native } from './native.ts';

/**
 * What native/*.c exports: plain numbers and bytes. The functions of `Native` that need no wrapping have the
 * same name.
 */
export interface Binding extends Omit<Native, 'receive' | 'timer' | 'writer'> {
  watch(
    fd: number,
    slab: ArrayBuffer,
    slots: number,
    slotSize: number,
    controlSize: number,
    ready: (errno: number) => void,
  ): Handle;
  fill(receiver: Handle, most: number): number;
  timer(onExpiry: () => void): Handle;
  setTimer(timer: Handle, at: number): void;
  openWriter(
    fd: number,
    onResult: (id: number, errno: number, seq: number, text: string, sentAt: number, doneAt: number) => void,
  ): Handle;
  post(
    writer: Handle,
    id: number,
    data: Uint8Array,
    answers: number,
    key: string,
    notAfter: number,
    until: number,
    offsets: readonly number[],
  ): number;
  scheduleWriter(writer: Handle, policy: number, priority: number): number;
  end(handle: Handle): void;
  /** Reports an exception as uncaughtException; returns when a listener took it. */
  fatal(error: unknown): void;
}
export type Handle = object & { readonly kind: 'native handle' };

/** The folder with package.json above this file: it is src/kernel in a checkout, dist/kernel in a package. */
function packageRoot(folder: string): string {
  const parent = path.dirname(folder);
  return existsSync(path.join(folder, 'package.json')) || parent === folder ? folder : packageRoot(parent);
}

let loaded: Binding | undefined;
/** Loads on first use, so that a command which needs no socket works without a compiled addon. */
export function binding(): Binding {
  if (loaded !== undefined) return loaded;
  const file =
    process.env['VIPKEEPER_NATIVE'] ??
    path.join(packageRoot(import.meta.dirname), 'native', 'out', 'sockets.node');
  try {
    loaded = createRequire(import.meta.url)(file) as Binding;
  } catch (cause) {
    const advice = 'run "npm rebuild", or in a checkout "node native/build.mjs"';
    throw new Error(`the native addon ${file} cannot be loaded: ${advice}`, { cause });
  }
  return loaded;
}
