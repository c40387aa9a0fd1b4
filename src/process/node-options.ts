/**
 * How Node runs a process with a real-time loop. A small heap, collected often and briefly, by no helper threads: the
 * loop would wait for them. And then no optimizing compiler: without a thread of its own it was seen to hold the loop
 * for 5 to 16 ms at a time, for minutes after the start. Code that is thrown away when it was not used for long would
 * be compiled anew just when something rare happens.
 */
export const realtimeLoopOptions: readonly string[] = [
  ...['--max-semi-space-size=1', '--max-old-space-size=96', '--single-threaded'],
  ...['--no-opt', '--no-maglev', '--no-flush-bytecode'],
];
