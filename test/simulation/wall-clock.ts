/** Clocks step in this world; nothing of the product may look at one, and nothing may be left to chance. */
export function watchWallClock(): { looks(): number; undo(): void } {
  const { now } = Date;
  const { random } = Math;
  let looks = 0;
  Date.now = () => {
    looks++;
    return now();
  };
  Math.random = () => {
    looks++;
    return random();
  };
  return {
    looks: () => looks,
    undo: () => {
      Date.now = now;
      Math.random = random;
    },
  };
}
