import type en from "../en";
import common from "./common";
import console from "./console";
import diff from "./diff";
import run_actions from "./run_actions";

const messages: typeof en = { common, console, diff, run_actions };
import markdown from "./markdown";

const messages: typeof en = { common, console, diff, markdown };

export default messages;
