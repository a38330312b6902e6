// Everything that the app says in English, by the screen that says it.
import common from "./common";
import console from "./console";
import diff from "./diff";
import run_actions from "./run_actions";

const messages = { common, console, diff, run_actions };
import markdown from "./markdown";

const messages = { common, console, diff, markdown };

export default messages;
