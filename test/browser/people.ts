import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { until, type Stack } from '../support/stack.ts';
import { CHROMIUM_ARGS } from './chromium.ts';

/** generous: a condition that holds is waited for no longer than it takes */
export const SEEN_MS_MAX = 45_000;

/** A browser of a suite, and what went wrong in any of its pages. */
export interface Visitors {
  readonly browser: Browser;
  /** exceptions, and what the policy of the pages refused */
  readonly problems: readonly string[];
  /** origins that were asked for anything */
  readonly origins: ReadonlySet<string>;
  /** Somebody signs in by name, in a browser of their own. */
  signIn(name: string, options?: Parameters<Browser['newContext']>[0]): Promise<Person>;
  close(): Promise<void>;
}

export async function openBrowser(stack: Stack, executablePath: string): Promise<Visitors> {
  const browser = await chromium.launch({ executablePath, headless: true, args: CHROMIUM_ARGS });
  const problems: string[] = [];
  const origins = new Set<string>();
  const watch = (name: string, context: BrowserContext): void => {
    context.on('weberror', (error) => problems.push(`${name}: ${error.error().message}`));
    context.on('console', (message) => {
      if (/Content Security Policy|TrustedHTML|TrustedScript/.test(message.text())) problems.push(`${name}: ${message.text()}`);
    });
    context.on('request', (request) => origins.add(new URL(request.url()).origin));
  };
  return {
    browser,
    problems,
    origins,
    async signIn(name, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      context.setDefaultTimeout(SEEN_MS_MAX);
      watch(name, context);
      const page = await context.newPage();
      await page.goto(stack.url);
      await page.getByLabel('Your name').fill(name);
      await page.getByRole('button', { name: 'Continue' }).first().click();
      await page.getByRole('navigation', { name: 'Conversations' }).waitFor();
      return new Person(page, stack);
    },
    close: () => browser.close(),
  };
}

/** Somebody at a page, who does what people do. */
export class Person {
  readonly page: Page;
  readonly #stack: Stack;

  constructor(page: Page, stack: Stack) {
    this.page = page;
    this.#stack = stack;
  }

  /** Another page of the same browser: it is the same person. */
  async secondTab(): Promise<Person> {
    return new Person(await this.page.context().newPage(), this.#stack);
  }

  async create(title: string): Promise<string> {
    await this.page.getByRole('button', { name: 'New conversation' }).click();
    await this.page.getByLabel('Title').fill(title);
    await this.page.getByLabel(/Anyone with the link/).check();
    await this.page.getByRole('button', { name: 'Create' }).click();
    await this.page.waitForURL(/\/s\/[\w-]+$/);
    await this.isLive();
    return new URL(this.page.url()).pathname.slice('/s/'.length);
  }

  async open(sessionId: string, more = ''): Promise<void> {
    await this.page.goto(`${this.#stack.url}/s/${sessionId}${more}`);
    await this.isLive();
  }

  async join(sessionId: string): Promise<void> {
    await this.open(sessionId);
    await this.page.getByRole('button', { name: 'Join' }).click();
    await this.page.getByTestId('composer').waitFor();
  }

  async isLive(): Promise<void> {
    await this.page.locator('[data-testid="connection"][data-status="live"]').waitFor();
  }

  async say(text: string): Promise<void> {
    await this.page.getByTestId('composer').fill(text);
    await this.page.getByTestId('composer').press('Enter');
  }

  /** The line of a message in the list of all. */
  line(text: string): Locator {
    return this.page.getByTestId('messages').getByTestId('message').filter({ hasText: text });
  }

  async sees(text: string): Promise<void> {
    await this.line(text).last().waitFor();
  }

  /** One of the buttons that a message has while somebody points at it. */
  async act(text: string, action: string): Promise<void> {
    const line = this.line(text).last();
    await line.hover();
    await line.getByRole('button', { name: action }).click();
  }

  async hasStatus(text: string, status: string): Promise<void> {
    await this.line(text).last().locator(`[data-testid="delivery"][data-status="${status}"]`).waitFor();
  }

  /** What is shown of all messages, oldest first. */
  async texts(): Promise<string[]> {
    return this.page.getByTestId('messages').locator('[data-testid="message"] .prose').allTextContents();
  }

  async waitsUntil(what: string, holds: () => Promise<boolean>): Promise<void> {
    await until(what, holds, SEEN_MS_MAX);
  }
}
