import type { Place } from './report.ts';

/** The document as values with places. A value behind an alias is one object that several parents hold. */
export type Tree = (MapTree | ListTree | ScalarTree) & {
  readonly place: Place;
  /** Values in it, those behind aliases counted every time. */
  readonly size: number;
  /** Levels below it. */
  readonly depth: number;
};

export interface MapTree {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}
export interface ListTree {
  readonly kind: 'list';
  readonly items: readonly Tree[];
}
export interface ScalarTree {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}

export interface Entry {
  readonly place: Place;
  readonly value: Tree;
}
