"use client";

// Draws figures over time on a canvas, in the colours of the theme. Loaded when the first chart is shown.
import { useEffect, useEffectEvent, useRef, useSyncExternalStore, type RefObject } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { isolated, top, type Line } from "./points";

export interface PlotProps {
  times: readonly number[];
  lines: readonly Line[];
  bars?: boolean;
  /** The upper end of the scale, where it is always the same. */
  max?: number;
  /** The scale has whole numbers alone. */
  whole?: boolean;
  /** A figure as it stands at the axis. */
  sayAxis: (value: number) => string;
  /** A moment as it stands at the axis. */
  sayTime: (seconds: number) => string;
  /** The point below the pointer, here or at a chart of the same `group`. */
  onPoint: (index: number | null) => void;
  group?: string;
}

const DASHES = { dashed: [5, 3], dotted: [1.5, 2.5] };
const FONT_PX = 11;
const AXIS_PX = 46;
const TIME_AXIS_PX = 22;
const WHOLE = [1, 2, 5].flatMap((step) => [1, 10, 100, 1000, 10_000].map((size) => step * size)).sort((a, b) => a - b);

export function Plot(props: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // A chart that is drawn asks later what to write: it is told what this component was told last.
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const looks = useLooks();
  const { times, lines } = props;
  const shape = JSON.stringify([props.bars, props.max, props.whole, props.group, lines.map(({ values: _, ...look }) => look)]);
  const make = useEffectEvent((element: HTMLElement) => new uPlot(optionsOf(latest, element), dataOf(times, lines), element));
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight }));
    // Each chart of a screen by itself: all at once would hold up what is pressed meanwhile.
    const turn = setTimeout(() => {
      plot.current = make(element);
      sizes.observe(element);
    });
    return () => {
      clearTimeout(turn);
      sizes.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, looks]);
  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines]);
  return <div ref={box} className="size-full min-w-0" />;
}

/** The class of the page, which changes with the theme: a canvas knows no variables of CSS. */
function useLooks(): string {
  return useSyncExternalStore(
    (tell) => {
      const watcher = new MutationObserver(tell);
      watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
      return () => watcher.disconnect();
    },
    () => document.documentElement.className,
    () => "",
  );
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

function optionsOf(latest: RefObject<PlotProps>, element: HTMLElement): uPlot.Options {
  const { lines, bars = false, max, whole = false, group } = latest.current;
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour("soft"),
    font: `${FONT_PX}px ${style.fontFamily}`,
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 6 },
      ...(group !== undefined && { sync: { key: group, setSeries: false } }),
    },
    scales: {
      x: { time: true, ...(bars && { range: withHalfAStep }) },
      y: { range: (_, _min, most) => [0, max ?? top(most)] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 72, size: TIME_AXIS_PX, values: (_, at) => at.map((value) => latest.current.sayTime(value)) },
      {
        ...axis,
        size: AXIS_PX,
        space: 36,
        values: (_, at) => at.map((value) => latest.current.sayAxis(value)),
        ...(whole && { incrs: WHOLE }),
      },
    ],
    series: [{}, ...lines.map((line) => seriesOf(line, bars, colour))],
    hooks: { setCursor: [(plot) => latest.current.onPoint(plot.cursor.idx ?? null)] },
  };
}

function seriesOf(line: Line, bars: boolean, colour: (name: string) => string): uPlot.Series {
  const stroke = colour(line.tone);
  const isBar = bars && line.dash === undefined;
  return {
    label: line.label,
    stroke,
    width: isBar ? 0 : 1.5,
    ...(line.dash !== undefined && { dash: DASHES[line.dash] }),
    ...(isBar && uPlot.paths.bars !== undefined && { paths: uPlot.paths.bars({ size: [0.6, 40] }), fill: stroke }),
    ...(!isBar && line.fill === true && { fill: colour("accent-soft") }),
    points: { size: 4, fill: stroke, show: !isBar, filter: (plot, index) => isolated((plot.data[index] ?? []) as (number | null)[]) },
  };
}

/** Bars stand on their day: the first and the last one have room for their other half. */
function withHalfAStep(plot: uPlot): uPlot.Range.MinMax {
  const [times] = plot.data;
  const first = times[0] ?? 0;
  const half = ((times[1] ?? first + 86_400) - first) / 2;
  return [first - half, (times.at(-1) ?? first) + half];
}
