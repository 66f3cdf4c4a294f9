/** Columns of 24, and rows. */
export interface PanelSize {
  readonly width: number;
  readonly height: number;
}
