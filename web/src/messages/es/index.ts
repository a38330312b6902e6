import type en from "../en";
import alerts from "./alerts";
import canvas from "./canvas";
import canvasMenu from "./canvas_menu";
import common from "./common";
import console from "./console";
import diff from "./diff";
import evaluations from "./evaluations";
import flows from "./flows";
import inspector from "./inspector";
import live from "./live";
import markdown from "./markdown";
import metrics from "./metrics";
import models from "./models";
import runActions from "./run_actions";
import runs from "./runs";
import said from "./said";
import saidOfEvaluations from "./said_evaluations";
import saidOfModels from "./said_models";
import saidOfRequests from "./said_requests";
import server from "./server";
import settings from "./settings";
import strategies from "./strategies";
import worth from "./worth";

const messages: typeof en = {
  alerts,
  canvas,
  canvas_menu: canvasMenu,
  common,
  console,
  diff,
  evaluations,
  flows,
  inspector,
  live,
  markdown,
  metrics,
  models,
  run_actions: runActions,
  runs,
  said: { ...said, ...saidOfEvaluations, ...saidOfModels, ...saidOfRequests },
  server,
  settings,
  strategies,
  worth,
};

export default messages;
