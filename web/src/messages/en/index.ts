// Everything that the app says in English, by the screen that says it.
import common from "./common";
import console from "./console";

const messages = { common, console };

export default messages;
