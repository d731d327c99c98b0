/** Which suites run when: `npm test` is for whoever has just changed something, and ends within minutes. */
/** With CI=true only: they take a minute or more each, waiting for real databases, repairs and outages. */
export declare const CI_SUITES: readonly string[];
/** What is left out now. MILLRACE_WITH=cassandra asks for the contract on a real store without the others. */
export declare function leftOut(environment: Readonly<Record<string, string | undefined>>): readonly string[];
