import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, COMMAND_NAMES } from '../../../shared/contract/catalogue.ts';
import { EVENT_APPLIERS } from '../../../shared/core/apply.ts';
import { COMMAND_HANDLERS } from '../../../shared/core/decide.ts';

/** The text of a test file beside this one; throws where there is none. */
function testFile(folder: string, name: string): string {
  return readFileSync(new URL(`./${folder}/${name.replace('.', '-')}.test.ts`, import.meta.url), 'utf8');
}

function assertTested(folder: string, name: string): void {
  const text = testFile(folder, name);
  expect(text, `${folder}/ must describe ${name}`).toContain(`describe('${name}'`);
  expect(text, `${folder}/ must hold a test of ${name}`).toMatch(/^ {2}it[.(]/m);
  expect(text, `tests of ${name} must run`).not.toMatch(/\.(skip|only|todo)\b/);
}

describe('every command and event has its own handler and tests', () => {
  it.each(COMMAND_NAMES)('command %s is tested alone: accepted, and each way to be refused', (name) => {
    assertTested('commands', name);
    const text = testFile('commands', name);
    expect(text).toMatch(/'(accepted|noted)'/);
    expect(text).toMatch(/'(forbidden|conflict)'/);
  });

  it.each(Object.keys(EVENT_APPLIERS))('event %s is tested alone', (type) => {
    assertTested('events', type);
  });

  it('notices a missing file', () => {
    expect(() => testFile('commands', 'message.teleport')).toThrow('ENOENT');
  });

  it('gives every command of the catalogue a handler, and no other', () => {
    expect(['session.create', ...Object.keys(COMMAND_HANDLERS)].toSorted()).toEqual(Object.keys(CATALOGUE).toSorted());
  });
});
