// A symbol's day in a line: [how much of the day is over, price], and where it began.
const [WIDTH, HEIGHT, EDGE] = [100, 28, 2];

/** Draw the points into an svg of 100 by 28; dashed, where the day's reference is. */
export function sparkline(svg, points, reference) {
  const prices = points.map(([, price]) => price).concat(reference ?? []);
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const y = (price) => (high === low ? HEIGHT / 2 : EDGE + ((high - price) / (high - low)) * (HEIGHT - 2 * EDGE));
  const at = ([place, price]) => `${(place * WIDTH).toFixed(1)} ${y(price).toFixed(1)}`;
  const shapes = [];
  if (reference !== null && reference !== undefined) shapes.push(path("td-line-reference", `M0 ${y(reference).toFixed(1)}H${WIDTH}`));
  if (points.length > 1) shapes.push(path("td-line-price", `M${points.map(at).join("L")}`));
  svg.replaceChildren(...shapes);
}

function path(name, shape) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
  made.setAttribute("class", name);
  made.setAttribute("d", shape);
  return made;
}
