/** In English the server's own sentences stand. */
const said: Record<string, string> = {};

export default said;
