import type en from "../en";
import common from "./common";
import console from "./console";

const messages: typeof en = { common, console };

export default messages;
