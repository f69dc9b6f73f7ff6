// Charts that the server describes, in the size of their place; a few paths, so that a thousand values paint at once.
import { h, useState, useEffect, useRef, useGo, number, duration, time } from "./base.js";
import { Cell, Picked } from "./bits.js";

const is = (v) => typeof v === "number";
// Marks differ in shape, so that they can be read without colours; as the signs of VERDICTS in reports/pages.py.
const SHAPES = { bad: (r) => `m${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`, unsure: (r) => `m0 ${-1.3 * r}l${1.3 * r} ${2.3 * r}h${-2.6 * r}z` }, round = (r) => `m${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

function ticks(low, high) {
  const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw)), found = [];
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw * 0.999);
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(Number(v.toPrecision(9)));
  return found;
}

// of: {charts, places}, as `chart` in reports/blocks.py describes.
export function Chart({ of: { charts, places } }) {
  const ref = useRef(null), [width, measure] = useState(0), [spot, point] = useState(null), [picked, pick] = useState(0), go = useGo();
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => measure(Math.floor(entry.contentRect.width)));
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  const { title, legend, limits, points, zero, unit } = charts[picked], say = unit === "s" ? duration : number;
  const known = [...points.flatMap((p) => [p.value, p.low, p.high, p.gate]), ...limits].filter(is), most = Math.max(...known), least = zero ? 0 : Math.min(...known);
  const room = (most - least || Math.abs(most) || 1) * 0.1, low = zero ? 0 : least - room, high = most + room;
  const count = places.length, left = 74, height = zero ? 170 : 230, bottom = height - 24, step = (width - left - 12) / count, r = Math.max(1.5, Math.min(4.5, step * 0.4));
  const x = (i) => (left + (i + 0.5) * step).toFixed(1), y = (v) => (bottom - ((v - low) / (high - low)) * (bottom - 12)).toFixed(1);
  const near = (i) => Math.max(0, Math.min(count - 1, i)), under = (event) => near(Math.floor((event.clientX - event.currentTarget.getBoundingClientRect().left - left) / step));
  const scale = new Set(places.map((one) => new Date(one.time).toDateString())).size < 2 ? { timeStyle: "short" } : { day: "numeric", month: "short" };
  const open = (i) => places[i].to && go(places[i].to), every = Math.ceil(count / Math.max(1, Math.floor(width / 110)));
  const press = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count }[event.key];
    if (by) { event.preventDefault(); point(near((spot ?? count) + by)); } else if (event.key === "Enter" && spot !== null) open(spot);
  };
  const tones = {}, path = (key, className, d, strokeWidth) => h("path", { key, className, d, strokeWidth }), shown = points.find((p) => p.at === spot);
  for (const p of points) (tones[p.tone] ||= []).push(p);
  return h("div", { ref }, h(Picked, { label: "Metric", options: charts.map((one, i) => [i, one.title]), value: picked, onPick: pick }),
    h("p", { className: "smk-legend" }, legend.map(([tone, sign, words]) => h("span", { key: words, className: `smk-${tone}` }, h("i", { "aria-hidden": true }, sign), " ", words))),
    width > 0 && h("svg", { width, height, className: "smk-plot", role: "application", "aria-label": `${title}. Arrow keys read the values, Enter opens the run.`, tabIndex: 0, onPointerMove: (event) => point(under(event)), onPointerLeave: () => point(null), onKeyDown: press, onClick: (event) => open(under(event)) },
      ticks(low, high).map((v) => h("g", { key: v }, h("line", { x1: left, x2: width, y1: y(v), y2: y(v), className: "smk-axis" }), h("text", { x: left - 8, y: Number(y(v)) + 4, textAnchor: "end" }, say(v)))),
      places.map((one, i) => (count - 1 - i) % every === 0 && h("text", { key: i, x: x(i), y: height - 6, textAnchor: "middle" }, one.label || new Date(one.time).toLocaleString("en-GB", scale))),
      spot !== null && path("c", "smk-axis smk-cursor", `M${x(spot)} 0V${bottom}`),
      limits.map((v) => path(`l${v}`, "smk-margin", `M${left} ${y(v)}H${width}`)),
      Object.entries(tones).map(([tone, some]) => [
        path(`${tone}-`, `smk-whisker smk-${tone}${zero ? " smk-solid" : ""}`, some.filter((p) => is(p.low)).map((p) => `M${x(p.at)} ${y(p.low)}V${y(p.high)}`).join(""), Math.max(1, Math.min(zero ? 26 : 7, step * (zero ? 0.7 : 0.5)))),
        zero || path(tone, `smk-dot smk-${tone}`, some.map((p) => `M${x(p.at)} ${y(p.value)}${(SHAPES[tone] || round)(r)}`).join(""))]),
      path("g", "smk-gate", points.map((p, i) => is(p.gate) && `${points[i - 1]?.at === p.at - 1 && is(points[i - 1].gate) ? "L" : "M"}${x(p.at - 0.5)} ${y(p.gate)}h${step}`).filter(Boolean).join("")),
      points.map((p) => p.star && h("text", { key: `s${p.at}`, x: x(p.at), y: y(p.high ?? p.value) - 5, textAnchor: "middle", className: "smk-star" }, "★"))),
    h("div", { className: "smk-reading", role: "status" }, h(Cell, { of: spot === null ? { muted: "Point at a value to read it; click to open its run." }
      :  [{ time: places[spot].time, text: places[spot].label }, shown ? say(shown.value) + (is(shown.low) && !zero ? ` (${say(shown.low)} to ${say(shown.high)})` : "") + (is(shown.gate) ? `, had to exceed ${say(shown.gate)}` : "") : "not measured", ...places[spot].read] })));
}
