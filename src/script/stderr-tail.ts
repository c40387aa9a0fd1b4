/** The last words of a script: at most so many lines and octets, however much it says. PURE */

const maxLines = 10;
const maxOctets = 2048;

export class StderrTail {
  #bytes: Uint8Array = new Uint8Array(0);
  #octets = 0;

  /** Octets ever said. */
  get octets(): number {
    return this.#octets;
  }

  add(chunk: Uint8Array): void {
    this.#octets += chunk.length;
    const kept = Math.min(this.#bytes.length, Math.max(0, maxOctets - chunk.length));
    const added = chunk.subarray(Math.max(0, chunk.length - maxOctets));
    // A copy: a view would keep the whole chunk alive.
    const bytes = new Uint8Array(kept + added.length);
    bytes.set(this.#bytes.subarray(this.#bytes.length - kept), 0);
    bytes.set(added, kept);
    this.#bytes = bytes;
  }

  /** Whatever is not printable text has become a space or U+FFFD. */
  get lines(): readonly string[] {
    return new TextDecoder()
      .decode(this.#bytes)
      .split('\n')
      .map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim())
      .filter((line) => line !== '')
      .slice(-maxLines);
  }
}
