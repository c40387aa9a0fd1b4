import type { Result } from '../base/result.ts';
import { err } from '../base/result.ts';

/**
 * Reads a file named in the configuration: its only line, or all of a certificate or key. The error is a reason, and
 * holds nothing of the text.
 */
export type ReadSecret = (file: string, form?: 'line' | 'pem') => Result<string, string>;

export const refuseSecretFiles: ReadSecret = () => err('files are not read here');
