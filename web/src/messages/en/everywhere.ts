// What stands around every screen, in English: a page is read with it at once, and each screen brings its own words.
import alerts from "./alerts";
import common from "./common";

const everywhere = { alerts, common };

export default everywhere;
