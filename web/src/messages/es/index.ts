import type en from "../en";
import common from "./common";
import console from "./console";
import diff from "./diff";

const messages: typeof en = { common, console, diff };

export default messages;
