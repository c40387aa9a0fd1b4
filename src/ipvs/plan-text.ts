/** Changes and plans for people: one line for each object, + ~ - as diff and terraform have them. PURE */
import type { Change, Plan } from './plan.ts';

const signs: Readonly<Record<string, '+' | '~' | '-'>> = {
  'new-service': '+',
  'new-dest': '+',
  'set-service': '~',
  'set-dest': '~',
  'del-service': '-',
  'del-dest': '-',
};

/** "~ TCP 10.1.0.100:80 → 10.2.0.21:80  weight 100 → 50  (3 connections go on)" */
export function changeText({ write, service, destination, differences, effect }: Change): string {
  const about = destination === undefined ? service : `${service} → ${destination}`;
  const words = differences.map(({ word, from, to }) => `${word} ${from} → ${to}`).join(', ');
  return `${signs[write.command] ?? '~'} ${about}${words === '' ? '' : `  ${words}`}  (${effect})`;
}

export function planLines({ changes, adopt, foreign }: Plan): readonly string[] {
  const count = (sign: string): number => changes.filter(({ write }) => signs[write.command] === sign).length;
  return [
    ...adopt.map((name) => `= ${name}  (is there already: it becomes ours)`),
    ...changes.map(changeText),
    ...foreign.map((name) => `  ${name}  (not in the file and not ours: left alone)`),
    changes.length === 0
      ? 'nothing to do: the kernel has what the file wants'
      : `${count('+')} to add, ${count('~')} to change, ${count('-')} to remove`,
  ];
}
