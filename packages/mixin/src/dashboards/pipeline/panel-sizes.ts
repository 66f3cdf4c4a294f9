/** Sizes of panels, in columns of 24 and rows: six numbers, or two or three graphs, per line. */
export const STAT = { width: 4, height: 5 } as const;
export const HALF = { width: 12, height: 8 } as const;
export const THIRD = { width: 8, height: 8 } as const;
