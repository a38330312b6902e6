// The builder in two parts that begin one after the other: together they would hold up what is pressed meanwhile.
export { Canvas } from "./canvas/canvas";

/** All that stands around the canvas. */
export const rest = () => import("./builder");
