/** Names that a file may choose. */
export const namePattern = '^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$';
export const userPattern = '^[a-z_][a-z0-9_-]{0,31}$';
