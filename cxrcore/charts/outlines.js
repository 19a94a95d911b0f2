// The marks of charts that are drawn in the browser, by the names that Plotly gives them.

/** @type {Record<string, (r: number) => string>} the d of a mark around 0, 0 */
const OUTLINES = {
  circle: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  square: (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  diamond: (r) => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0z`,
  "triangle-up": (r) => `M0 ${-1.2 * r}L${1.2 * r} ${r}H${-1.2 * r}z`,
  "triangle-down": (r) => `M0 ${1.2 * r}L${1.2 * r} ${-r}H${-1.2 * r}z`,
  "triangle-left": (r) => `M${-1.2 * r} 0L${r} ${-1.2 * r}V${1.2 * r}z`,
  "triangle-right": (r) => `M${1.2 * r} 0L${-r} ${-1.2 * r}V${1.2 * r}z`,
  x: (r) => `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`,
};
