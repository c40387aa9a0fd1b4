import type { Result } from '../base/result.ts';
import { err } from '../base/result.ts';

/** Reads the first line of a file named in the configuration. The error is a reason, and holds nothing of the text. */
export type ReadSecret = (file: string) => Result<string, string>;

export const refuseSecretFiles: ReadSecret = () => err('files are not read here');
