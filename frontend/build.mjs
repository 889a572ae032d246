// Builds everything the pages load into fieldservice/static/vendor: hashed styles and scripts, the icon
// sprite, licences and, last, manifest.json (logical name -> file name), which therefore doubles as the stamp.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { clockCss, tokensCss } from "./tokens.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const source = path.join(here, "src");
const modules = path.join(here, "node_modules");
const target = path.join(here, "..", "fieldservice", "static", "vendor");

const STYLES = ["app.css", "board.css", "field.css", "map.css"];
const SCRIPTS = ["app.js", "board.js", "booking.js", "guard-worker.js", "guard.js", "field.js", "files.js", "frame.js", "map.js", "phone.js", "phone-worker.js", "position.js", "signed-out.js", "visit-push.js", "visit-worker.js", "widget.js"];
// Copied or cut up, not bundled, so that esbuild does not report them.
const COPIED = ["bootstrap-icons", "dejavu-fonts-ttf", "htmx.org"];
// For documents; pages use the fonts of the device.
const FONTS = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"];

// Style sheets that do not exist as files: they are made from tokens.json.
const generated = {
  name: "generated",
  setup(build) {
    build.onResolve({ filter: /^generated:/ }, ({ path: name }) => ({ path: name, namespace: "generated" }));
    build.onLoad({ filter: /.*/, namespace: "generated" }, async ({ path: name }) => ({
      contents: name === "generated:tokens" ? tokensCss(await readTokens()) : clockCss(),
      loader: "css",
    }));
  },
};

const readTokens = async () => JSON.parse(await readFile(path.join(here, "tokens.json"), "utf8"));

async function bundle() {
  const result = await esbuild.build({
    absWorkingDir: here,
    entryPoints: [...STYLES, ...SCRIPTS].map((name) => path.join(source, name)),
    outdir: target,
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    // Leaflet's style sheet names marker pictures that our markers, drawn as HTML, do not use.
    loader: { ".png": "empty" },
    legalComments: "none",
    metafile: true,
    plugins: [generated],
    logLevel: "warning",
  });
  const files = new Map(result.outputFiles.map((file) => [path.basename(file.path), file.contents]));
  return { files, packages: packagesOf(Object.keys(result.metafile.inputs)) };
}

function packagesOf(inputs) {
  const names = inputs.map((input) => input.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
  return [...new Set(names.filter(Boolean))];
}

async function sprite() {
  const names = JSON.parse(await readFile(path.join(here, "icons.json"), "utf8"));
  const symbols = await Promise.all(names.map(async (name) => {
    const svg = await readFile(path.join(modules, "bootstrap-icons", "icons", `${name}.svg`), "utf8");
    const shapes = svg.replace(/^<svg[^>]*>\s*/, "").replace(/\s*<\/svg>\s*$/, "");
    return `<symbol id="${name}" viewBox="0 0 16 16">${shapes}</symbol>`;
  }));
  return { names, svg: `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n` };
}

// The pictures of services are our own; each keeps the lines that its root element sets.
async function pictures() {
  const folder = path.join(source, "pictures");
  const names = (await readdir(folder)).map((file) => path.parse(file).name).sort();
  const symbols = await Promise.all(names.map(async (name) => {
    const svg = await readFile(path.join(folder, `${name}.svg`), "utf8");
    const attributes = svg.match(/^<svg xmlns="[^"]+" ([^>]*)>/)[1];
    return svg.replace(/^<svg[^>]*>/, `<symbol id="${name}" ${attributes}>`).replace(/<\/svg>\s*$/, "</symbol>");
  }));
  return { names, svg: `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n` };
}

async function licences(packages) {
  const texts = await Promise.all(packages.map(async (name) => {
    const folder = path.join(modules, name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? (await readFile(path.join(folder, file), "utf8")).trim() : "";
    return `${name} ${version} (${license})\n\n${text}`;
  }));
  return `${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

function hashed(name, contents) {
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, 10);
  const { name: stem, ext } = path.parse(name);
  return `${stem}.${hash}${ext}`;
}

async function build() {
  const { files, packages } = await bundle();
  const { names, svg } = await sprite();
  const drawn = await pictures();
  files.set("icons.svg", svg);
  files.set("pictures.svg", drawn.svg);
  files.set("favicon.svg", await readFile(path.join(source, "favicon.svg")));
  for (const icon of await readdir(path.join(source, "icons"))) files.set(icon, await readFile(path.join(source, "icons", icon)));
  for (const font of FONTS) files.set(font, await readFile(path.join(modules, "dejavu-fonts-ttf", "ttf", font)));
  files.set("htmx.js", await readFile(path.join(modules, "htmx.org", "dist", "htmx.min.js")));

  // Written beside the build that is in use and put in its place when it is whole: a build that fails, or that
  // is stopped, leaves the pages as they are.
  const [fresh, old] = [`${target}.new`, `${target}.old`];
  for (const folder of [fresh, old]) await rm(folder, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const manifest = { files: {}, icons: names, pictures: drawn.names };
  for (const [name, contents] of [...files].sort()) {
    manifest.files[name] = hashed(name, contents);
    await writeFile(path.join(fresh, manifest.files[name]), contents);
  }
  await writeFile(path.join(fresh, "LICENCES.txt"), await licences([...packages, ...COPIED].sort()));
  await writeFile(path.join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(target, old).catch((error) => { if (error.code !== "ENOENT") throw error; });
  await rename(fresh, target);
  await rm(old, { recursive: true, force: true });
}

await build();
