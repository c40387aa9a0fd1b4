/** Tests that make network namespaces. Without root they are not defined, and one line says so. */
export function describeAsRoot(title: string, body: (this: Mocha.Suite) => void): void {
  if (process.getuid?.() === 0) describe(title, body);
  else console.log(`not run without root: ${title}`);
}

/** A prefix of this run's own, so that runs side by side never meet. */
export const labPrefix = (purpose: string): string => `t${process.pid}-${purpose}`;
