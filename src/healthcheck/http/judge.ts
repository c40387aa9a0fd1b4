/** What an answer means for one url of a check. */
import { createHash } from 'node:crypto';
import type { HttpUrl } from '../types.ts';
import type { Body } from './body.ts';
import type { RegexPort } from './regex.ts';

/** @returns why it does not pass; undefined when it does */
export async function faultOf(
  url: HttpUrl,
  status: number,
  body: Body,
  regex: RegexPort,
): Promise<string | undefined> {
  if (!url.status_code.some(([from, to]) => status >= from && status <= to))
    return `${status}, expected ${rangesText(url)}`;
  const cut = body.complete ? '' : `, of which the first ${body.octets.length} octets were read`;
  if (url.digest !== undefined) {
    if (!body.complete) return `${status}, too long a body for a digest${cut}`;
    const digest = createHash('md5').update(body.octets).digest('hex');
    if (digest !== url.digest.toLowerCase()) return `${status}, digest ${digest}, expected ${url.digest}`;
  }
  if (url.regex === undefined) return undefined;
  const matches = await regex.matches(url.regex, body.octets);
  const pattern = `/${url.regex}/`;
  if (typeof matches === 'string') return `${status}, ${pattern}: ${matches}`;
  if (url.regex_no_match === true)
    return matches ? `${status}, body matches ${pattern} and must not` : undefined;
  return matches ? undefined : `${status}, body does not match ${pattern}${cut}`;
}

const rangesText = ({ status_code }: HttpUrl): string =>
  status_code.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(', ');
