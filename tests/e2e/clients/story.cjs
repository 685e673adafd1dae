// The story of story.py, for the clients that run on Node.

function* story() {
  const saw = {};
  saw.price = yield ["estimate_cost", { size: "832*480", duration: 5 }];
  saw.created = yield ["create_video", { prompt: "a cat on a roof", size: "832*480", duration: 5 }];
  const task_id = saw.created.match(/vid_[\w-]{22}/)[0];
  for (let turn = 0; turn < 3; turn++) {
    saw.fetched = yield ["get_video_task", { task_id, wait_seconds: 20 }];
    if (saw.fetched.includes("SUCCEEDED")) break;
  }
  saw["unknown argument"] = yield ["estimate_cost", { size: "832*480", second: 10 }];
  saw.dear = yield ["create_video", { prompt: "a whale", size: "1920*1080", duration: 10 }];
  return saw;
}

// Tell the story with a client's way of calling a tool, which returns what is shown.
exports.tell = async (call) => {
  const telling = story();
  let step = telling.next();
  while (!step.done) step = telling.next(await call(...step.value));
  return step.value;
};

// These clients have no model: their program gets both.
exports.seen = (result) => JSON.stringify({ text: result.content, data: result.structuredContent });

// The version of an installed package, and what else was seen.
exports.report = (name, facts) => {
  const { join } = require("node:path");
  const { readFileSync } = require("node:fs");
  const file = join(process.env.NODE_PATH, name, "package.json");
  console.log(JSON.stringify({ version: JSON.parse(readFileSync(file)).version, ...facts }));
};
