// Small things that every step of the launcher shares. Plain JavaScript for Node 20: nothing is installed yet.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Ends the launch with one line that says what to do. */
export class LaunchError extends Error {}

let progressStream = process.stdout;

/** `token` prints nothing but the token on standard output, so its progress goes to standard error. */
export function progressTo(stream) {
  progressStream = stream;
}

export function progress(line) {
  progressStream.write(`millrace: ${line}\n`);
}

/** Cache for fetched tools, shared by all checkouts of this user: MILLRACE_TOOLS_DIR, else ~/.cache/millrace. */
export function toolsDir() {
  return resolve(process.env.MILLRACE_TOOLS_DIR || join(homedir(), '.cache', 'millrace'));
}

/** True when `version` (a.b.c) is `minimum` or newer. */
export function atLeast(version, minimum) {
  const [a, b] = [version, minimum].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (let index = 0; index < 3; index += 1) if (a[index] !== b[index]) return a[index] > b[index];
  return true;
}

/** First executable of that name on PATH, or undefined. */
export function onPath(name, path = process.env.PATH ?? '') {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
}

/**
 * Environment for a child npm: without what the npm around us says about its own package (it would, for one, install into
 * this checkout whatever its working directory), with its settings.
 */
export function npmEnvironment() {
  const dropped = /^npm_(?:package_|lifecycle_|command$|config_(?:local_prefix|global_prefix|prefix|noproxy|argv)$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !dropped.test(name)));
}

/** How to run npm under the Node that runs us: the npm that started us, else the one on PATH. */
export function npmCommand() {
  const script = process.env.npm_execpath;
  if (script && /npm-cli\.c?js$/.test(script) && existsSync(script)) return { command: process.execPath, args: [script] };
  if (!onPath('npm')) throw new LaunchError('npm is not on PATH: install Node with npm (https://nodejs.org)');
  return { command: 'npm', args: [] };
}

/** Runs a command to its end; answers {code, output}, output being the last 8 KiB of both its streams. Never throws. */
export function run(command, args, { timeoutMs, ...options } = {}) {
  return new Promise((settle) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-8192);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = timeoutMs && setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const done = (code) => {
      clearTimeout(timer);
      settle({ code, output });
    };
    child.on('error', (error) => {
      output += error.message;
      done(127);
    });
    child.on('close', (code) => done(code ?? 1));
  });
}

function holderOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const LOCK_WAIT_MS_MAX = 15 * 60_000;
const LOCK_POLL_MS = 200;

/** Runs `work` while no other launch is in the same step. A lock whose holder is dead is taken over. */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS_MAX;
  let said = false;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = holderOf(file);
    if (holder && !isAlive(holder)) {
      // Renamed first, and looked at again: of two that find the same dead holder only one may go on from here.
      const aside = `${file}.${process.pid}`;
      try {
        renameSync(file, aside);
        if (holderOf(aside) === holder) rmSync(aside, { force: true });
        else renameSync(aside, file);
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
      }
      continue;
    }
    if (!said) progress(`waiting for another launch (process ${holder ?? 'unknown'}) to finish this step`);
    said = true;
    if (Date.now() > deadline) throw new LaunchError(`another launch holds ${file} for 15 minutes: end it, or delete that file`);
    await new Promise((wake) => setTimeout(wake, LOCK_POLL_MS));
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** "3.2 s" since `startedAtMs`. */
export function seconds(startedAtMs) {
  return `${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`;
}

/** The line that most likely says what went wrong in a command's output. */
export function gist(output) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  return (
    lines.find((line) => /error|fail|refused|not found/i.test(line) && !/debug-0\.log/.test(line)) ?? lines.at(-1) ?? 'no output'
  );
}
