import { constants } from 'node:os';

/** Names that node:os does not list but netlink and sockets answer with. */
const further: readonly (readonly [string, number])[] = [
  ['ENOTUNIQ', 76],
  ['EUSERS', 87],
  ['ESOCKTNOSUPPORT', 94],
  ['EPFNOSUPPORT', 96],
  ['ESHUTDOWN', 108],
  ['EHOSTDOWN', 112],
];
/** Two names share a number: the one that kernel code uses. */
const preferred: readonly (readonly [string, number])[] = [
  ['EAGAIN', 11],
  ['EOPNOTSUPP', 95],
];
const names = new Map(
  [...Object.entries(constants.errno), ...further, ...preferred].map(([name, value]) => [value, name]),
);

/** "ENETDOWN (100)"; takes an errno or a -errno. */
export function errnoText(errno: number): string {
  const value = Math.abs(errno);
  const name = names.get(value);
  return name === undefined ? `errno ${value}` : `${name} (${value})`;
}
