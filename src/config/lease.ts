import type { Micros } from '../base/time.ts';
import { formatDuration, micros, milliseconds } from '../base/time.ts';
import type { LeaseConfig } from '../vrrp/types.ts';
import { duration } from './duration.ts';
import { leaseModes } from './instance-schema.ts';
import type { RawDuration, RawInstance, RawLease } from './raw.ts';
import type { Path } from './report.ts';
import { wordOf } from './validate.ts';
import type { View } from './view.ts';

interface Written {
  readonly value: RawDuration;
  readonly path: Path;
}

/** A gate closes this long before the earliest peer may open its own. */
const margin = milliseconds(100);

/**
 * The lease of one instance: its own words over those of `global`, over the defaults.
 * @param shortest the shortest advert_int that any node has for this instance: a peer that has not heard us
 *   yet counts its own interval
 */
export function buildLease(
  view: View,
  path: Path,
  raw: RawInstance,
  global: string | RawLease | undefined,
  shortest: Micros,
): LeaseConfig {
  const own = asMap(raw.lease);
  const above = asMap(global);
  const pick = (word: 'gate_lifetime' | 'address_lifetime'): Written | undefined => {
    const [mine, theirs] = [own[word], above[word]];
    if (mine !== undefined) return { value: mine, path: [...path, 'lease', word] };
    return theirs === undefined ? undefined : { value: theirs, path: ['global', 'lease', word] };
  };
  const owner = raw.priority === 255;
  const written = wordOf(leaseModes, own.mode ?? above.mode ?? 'preferred');
  const mode = owner ? 'off' : (leaseModes.find((known) => known === written) ?? 'preferred');
  if (owner) {
    const what = `${view.describe([...path, 'priority'])} is 255, the address owner`;
    view.note(
      [...path, 'priority'],
      `${what}: its address is configured anyway, so there is no lease (lease: off)`,
    );
  }
  const gate = gateLifetime(view, path, raw, mode, pick('gate_lifetime'), shortest);
  return {
    mode,
    gate_lifetime: gate,
    address_lifetime_s: addressLifetime(view, mode, pick('address_lifetime'), gate),
  };
}

const asMap = (lease: string | RawLease | undefined): RawLease =>
  typeof lease === 'string' ? { mode: lease } : (lease ?? {});

function gateLifetime(
  view: View,
  path: Path,
  raw: RawInstance,
  mode: LeaseConfig['mode'],
  written: Written | undefined,
  shortest: Micros,
): Micros {
  const advert = duration(raw.advert_int);
  const most = micros(3 * shortest - margin);
  // A renewal goes out once per advert; a gate that one late advert closes would flap.
  const least = micros(advert * 1.2);
  const usual = micros(3 * shortest - Math.max(margin, shortest / 4));
  const fallback = usual > least ? usual : most;
  // No gate: then it is only the gap in our own running after which a peer may have taken over. RFC 9568 §6.1
  if (mode === 'off') return micros(3 * shortest);
  if (most <= least) {
    const at = [...path, 'advert_int'];
    const message = `${view.describe(at)} is ${formatDuration(advert)}, too short for a lease`;
    const other = formatDuration(shortest);
    const uneven = `${view.describe(at)} is ${formatDuration(advert)} while another node has ${other}`;
    view.error(at, {
      message: shortest < advert ? uneven : message,
      expected:
        shortest < advert ? 'intervals that are equal, or lease: off' : '60ms or longer, or lease: off',
      why: 'a frozen director could answer for the VIP after the next one took over',
    });
    return fallback;
  }
  if (written === undefined) return fallback;
  const gate = duration(written.value);
  // A lifetime in `global` is read for every instance: the message has to say which one it does not fit.
  const forInstance = written.path[0] === 'global' ? `, for vrrp_instance ${String(path[1])}` : '';
  if (gate > most || gate <= least) {
    const rule =
      gate > most
        ? `at most ${formatDuration(most)} (3 × advert_int − 100ms)`
        : `more than ${formatDuration(least)} (1.2 × advert_int)`;
    view.error(written.path, {
      message: `${view.describe(written.path)} is ${formatDuration(gate)}${forInstance}`,
      expected: rule,
      why:
        gate > most
          ? 'both directors would answer for the VIP after a freeze'
          : 'one late renewal would close the gate of a healthy director',
    });
  }
  return gate;
}

function addressLifetime(
  view: View,
  mode: LeaseConfig['mode'],
  written: Written | undefined,
  gate: Micros,
): number {
  const least = Math.ceil(gate / 1_000_000);
  if (written === undefined) return least + 1;
  const lifetime = duration(written.value) / 1_000_000;
  if (mode !== 'off' && lifetime < least) {
    view.error(written.path, {
      message: `${view.describe(written.path)} is ${lifetime}s`,
      expected: `at least ${least}s, gate_lifetime in whole seconds`,
      why: 'the address would go from a healthy director between two renewals',
    });
  }
  return lifetime;
}
