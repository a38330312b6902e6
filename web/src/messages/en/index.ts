// Everything that the app says in English, by the screen that says it.
import common from "./common";
import console from "./console";
import diff from "./diff";

const messages = { common, console, diff };

export default messages;
