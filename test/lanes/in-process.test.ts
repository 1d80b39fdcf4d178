import { inProcessLanes } from "../../src/lanes/in-process.ts";
import { testLanes } from "../contracts/lanes.ts";

testLanes("lanes inside the process", (onError) => inProcessLanes({ onError }));
