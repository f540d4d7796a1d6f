// Goes through the consent page in Chromium, as a person would: looks at it, takes its picture, and allows.
//
// usage: chromium.mjs BROWSER ADDRESS UNTIL PICTURE FOLDER
//
// Prints what was met as one line of JSON: `text` of the consent page, `complaints` of the browser, and the `end`: the address
// that begins with UNTIL, where nothing has to listen.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const [browser, address, until, picture, folder] = process.argv.slice(2);
const PATIENCE_MS = 30_000;

const chromium = spawn(
    browser,
    [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--window-size=760,820",
        "--remote-debugging-port=0",
        `--user-data-dir=${folder}`,
        "about:blank",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
);
const giveUp = setTimeout(() => end(1, "not finished in time"), PATIENCE_MS);

function end(code, words) {
    clearTimeout(giveUp);
    chromium.kill("SIGKILL");
    if (words) console.error(words);
    process.exitCode = code;
}

const endpoint = await new Promise((resolve) => {
    let said = "";
    chromium.stderr.on("data", (bytes) => {
        said += bytes;
        const found = said.match(/DevTools listening on (ws:\S+)/);
        if (found) resolve(found[1]);
    });
});

const socket = new WebSocket(endpoint);
await new Promise((resolve) => socket.addEventListener("open", resolve));
let number = 0;
const waiting = new Map();
const listeners = new Set();
socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.id) waiting.get(message.id)?.(message);
    else for (const listener of listeners) listener(message);
});

function ask(method, params = {}, sessionId) {
    number += 1;
    const id = number;
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) =>
        waiting.set(id, ({ result, error }) => (error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result))),
    );
}

function happening(fits) {
    return new Promise((resolve) => {
        const listener = (message) => {
            if (!fits(message)) return;
            listeners.delete(listener);
            resolve(message);
        };
        listeners.add(listener);
    });
}

const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
const page = (method, params) => ask(method, params, sessionId);
const complaints = [];
listeners.add(({ method, params }) => {
    if (method === "Log.entryAdded" && params.entry.source === "security") complaints.push(params.entry.text);
});
await page("Page.enable");
await page("Log.enable");
await page("Network.enable");

const evaluate = async (expression) => (await page("Runtime.evaluate", { expression, returnByValue: true })).result.value;

const loaded = happening(({ method }) => method === "Page.loadEventFired");
await page("Page.navigate", { url: address });
await loaded;
const text = await evaluate("document.body.innerText");
const { data } = await page("Page.captureScreenshot", { format: "png" });
writeFileSync(picture, Buffer.from(data, "base64"));

const arrived = happening(
    ({ method, params }) => method === "Network.requestWillBeSent" && params.request.url.startsWith(until),
);
await evaluate("document.querySelector('button[value=allow]').click()");
const { params } = await arrived;
console.log(JSON.stringify({ text, complaints, end: params.request.url }));
socket.close();
end(0);
