/** Kernel settings that the pools need, in the network namespace of this process. */
import { readFileSync, writeFileSync } from 'node:fs';

/** @param wanted by path under /proc/sys. @returns what could not be set, in words */
export function writeSysctls(wanted: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(wanted).flatMap(([key, value]) => {
    const file = `/proc/sys/${key}`;
    try {
      if (readFileSync(file, 'utf8').trim().replace(/\s+/g, ' ') === value) return [];
      writeFileSync(file, value);
      return [];
    } catch (error) {
      return [`sysctl ${key.replaceAll('/', '.')} = ${value} is not set: ${(error as Error).message}`];
    }
  });
}
