// CPython for WebAssembly in a worker, one interpreter for all runs (run.js). The files in run/ are
// those of `make live`.
import { ConsoleStdout, File, OpenFile, PreopenDirectory, WASI } from "./run/index.js";

const say = (kind, content) => postMessage({ kind, content });
const bytes = async name => new Uint8Array(await (await asked(name)).arrayBuffer());
const tmp = new Map(), COLOUR = /\x1b\[[0-9;]*m/g;
const NOT_THERE = 52; // an error number: function not implemented

async function asked(name) {
  const answer = await fetch(`run/${name}`);
  if (!answer.ok) throw new Error(`${name} is missing: "make live" builds it`);
  return answer;
}

async function start() {
  say("state", "Fetching Python ...");
  const packed = (await asked("python.wasm.gz")).body.pipeThrough(new DecompressionStream("gzip"));
  const type = { headers: { "Content-Type": "application/wasm" } };
  const compiled = WebAssembly.compileStreaming(new Response(packed, type));
  const fetched = [compiled, bytes("library.zip"), bytes("site.zip")];
  const [module, library, site] = await Promise.all(fetched);
  say("state", "Starting Python ...");
  tmp.set("site.zip", new File(site, { readonly: true }));
  const files = [
    new OpenFile(new File([])),
    ConsoleStdout.lineBuffered(line => say("out", line)),
    ConsoleStdout.lineBuffered(line => say("error", line.replace(COLOUR, ""))),
    new PreopenDirectory("/usr/local/lib",
      new Map([["python315.zip", new File(library, { readonly: true })]])),
    new PreopenDirectory("/tmp", tmp),
  ];
  const where = ["TMPDIR=/tmp", "HOME=/tmp", "PYTHONTZPATH=", "TD_BUDGET=quick",
    "MPLBACKEND=module://backend_page"];
  const wasi = new WASI(["/usr/local/bin/python.wasm"], where, files, { debug: false });
  const imports = { wasi_snapshot_preview1: wasi.wasiImport, host: {} };
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from][name] ??= () => (from === "host" ? -1 : NOT_THERE);
  }
  const { exports } = await WebAssembly.instantiate(module, imports).then(instance => {
    wasi.initialize(instance);
    return instance;
  });
  const turn = code => {
    const text = new TextEncoder().encode(code), at = exports.host_alloc(text.length) >>> 0;
    new Uint8Array(exports.memory.buffer).set(text, at);
    return exports.turn(at, text.length);
  };
  turn(PRELUDE);
  return turn;
}

// td and matplotlib go where their data are files; page.py does the rest.
const PRELUDE = `
import sys, zipfile
zipfile.ZipFile("/tmp/site.zip").extractall("/tmp/site")
sys.path.insert(0, "/tmp/site")
import page
`;

const ready = start().then(turn => {
  say("ready");
  return turn;
}, error => say("failed", String(error.message || error)));

onmessage = async ({ data: code }) => {
  const turn = await ready;
  if (!turn) return;
  try {
    turn(code);
    turn("__import__('page').show()");
    for (const [name, file] of tmp) {
      if (!name.startsWith("figure-")) continue;
      say("figure", new Blob([file.data], { type: "image/png" }));
      tmp.delete(name);
    }
    say("done");
  } catch (error) { // the interpreter itself has stopped
    say("failed", String(error));
  }
};
