/** Version and password of one instance. No message holds a password. */
import type { Family } from '../base/ip.ts';
import { seconds } from '../base/time.ts';
import type { InstanceConfig } from '../vrrp/types.ts';
import { duration } from './duration.ts';
import { advertInterval } from './instance-schema.ts';
import type { RawInstance } from './raw.ts';
import type { Path } from './report.ts';
import { quote } from './report.ts';
import type { ReadSecret } from './secret.ts';
import type { View } from './view.ts';

/** What one advertisement of version 3 can say: 12 bits of hundredths. RFC 9568 §5.2.7 */
const longestInterval3 = seconds(40.95);
/** Octets of a password. RFC 2338 §5.3.10 */
const longestPassword = 8;

type Wire = Pick<InstanceConfig, 'version' | 'authentication'>;

/** @param readSecret undefined: the files are on another machine */
export function buildWire(
  view: View,
  path: Path,
  raw: RawInstance,
  families: readonly Family[],
  readSecret: ReadSecret | undefined,
): Wire {
  const two = raw.version === 2;
  if (two && families.includes(6)) {
    const at = [...path, 'version'];
    const expected = '3: version 2 carries IPv4 only';
    view.error(at, {
      message: `${view.describe(at)} is 2, and ${families.length > 1 ? 'some of its' : 'its'} addresses are IPv6`,
      expected,
    });
  }
  checkInterval(view, [...path, 'advert_int'], raw, two);
  const { authentication } = raw;
  if (authentication === undefined) return two ? { version: 2 } : {};
  const at = [...path, 'authentication'];
  if (!two) {
    const message = `${view.describe(at)} with version 3, which has none`;
    view.error(at, { message, expected: 'version: 2, or no authentication' }, 'key', 'key');
    return {};
  }
  const auth_pass = password(view, [...at, 'auth_pass'], authentication.auth_pass, readSecret);
  view.note(
    at,
    `${view.describe(at)}: the password goes over the link in clear text; it keeps mistakes out, not attackers`,
  );
  return { version: 2, authentication: { auth_type: 'PASS', auth_pass } };
}

function checkInterval(view: View, at: Path, raw: RawInstance, two: boolean): void {
  const interval = duration(raw.advert_int);
  const shown = `${view.describe(at)} is ${typeof raw.advert_int === 'string' ? quote(raw.advert_int) : raw.advert_int}`;
  if (two && interval % seconds(1) !== 0) {
    view.error(at, {
      message: `${shown} with version 2`,
      expected: 'whole seconds from 1s to 255s, or version: 3',
      why: 'the field of a version 2 advertisement counts seconds, and peers discard another interval than theirs',
    });
  } else if (!two && interval > longestInterval3) {
    const { expected, why } = advertInterval;
    view.error(at, { message: shown, expected, why });
  }
}

/** @returns a text that may be used, or an empty one after it was reported */
function password(
  view: View,
  at: Path,
  written: string | { readonly file: string },
  readSecret: ReadSecret | undefined,
): string {
  const inFile = typeof written === 'object';
  const place = inFile ? [...at, 'file'] : at;
  if (inFile && readSecret === undefined) {
    view.note(place, `${quote(written.file)} is not read on this host`);
    return '';
  }
  const read = inFile && readSecret !== undefined ? readSecret(written.file) : undefined;
  if (inFile && read?.ok === false) {
    const message = `the password file ${quote(written.file)} cannot be read: ${read.error}`;
    view.error(place, { message, why: 'this director would not be heard by peers that have the password' });
    return '';
  }
  const text = inFile ? (read?.ok === true ? read.value : '') : written;
  const octets = new TextEncoder().encode(text).length;
  if (octets >= 1 && octets <= longestPassword) return text;
  view.error(place, {
    message: `${view.describe(at)} has ${octets} octets`,
    expected: `1 to ${longestPassword}`,
    why: 'the field of an advertisement has 8, and keepalived would cut off the rest without a word',
  });
  return '';
}
