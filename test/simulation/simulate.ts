import { parseConfig } from '../../src/config/parse.ts';
import type { LoginLimits } from '../../src/policy/login-limits.ts';
import { sendAttackers } from './attackers.ts';
import { dovecotPenaltyGate } from './dovecot-penalty.ts';
import { fail2banGate } from './fail2ban.ts';
import { type Gate, openGate, posternGate } from './gates.ts';
import { type LoginEvent, mergeLives } from './login-event.ts';
import { type Owner, passwordAt, settleOwners } from './owners.ts';
import { Provider } from './provider.ts';
import { Random } from './random.ts';
import { type Result, Tally } from './tally.ts';

const dayMs = 86_400_000;
/** A Monday. */
const startMs = Date.UTC(2026, 0, 5);

/** What is played. */
export interface Scenario {
  readonly seed: number;
  readonly owners: number;
  /** Days under attack; one more goes before them. */
  readonly days: number;
}

/** What came of it. */
export interface Played {
  readonly scenario: Scenario;
  readonly logins: number;
  readonly results: readonly Result[];
}

/** What stands in front of the provider. */
export const gateNames = ['Postern', 'fail2ban', 'Dovecot penalty', 'nothing'] as const;
export type GateName = (typeof gateNames)[number];

/** How to play. */
export interface PlayOptions {
  /** Absent: all. */
  readonly gates?: readonly GateName[];
  /** Told of each day that is over. */
  readonly onDay?: (day: number) => void;
}

/** Plays the scenario with Postern's default limits, and with what others put in its place. The same seed plays the same. */
export async function simulate(
  scenario: Scenario,
  { gates = gateNames, onDay = () => {} }: PlayOptions = {},
): Promise<Played> {
  const span = { startMs, days: scenario.days + 1 };
  const random = new Random(scenario.seed);
  const { owners, lives, addresses: homes } = settleOwners(scenario.owners, { random, span });
  const attackers = sendAttackers({
    ...{ owners, homes, random, span },
    bots: Math.max(Math.round(scenario.owners / 2), 1),
    targets: Math.max(Math.round(scenario.owners / 200), 1),
  });
  const sides = gates.map(openSide);
  const byAccount = new Map(owners.map((owner) => [owner.account, owner]));
  let logins = 0;
  let day = 0;
  for (const event of mergeLives([...lives, ...attackers])) {
    logins += 1;
    if (event.atMs >= startMs + (day + 1) * dayMs) {
      day += 1;
      onDay(day);
    }
    const isRight = isRightPassword(byAccount.get(event.account), event);
    for (const side of sides) await play(side, { event, isRight });
  }
  const results = sides.map(({ gate: { name: gate }, tally, provider }) =>
    tally.result({ gate, providerLocks: provider.locks }),
  );
  return { scenario, logins, results };
}

/** Postern's limits where the configuration says nothing of them. */
function defaultLimits(): LoginLimits {
  const file = 'postern.yaml';
  const parsed = parseConfig('listeners: [{name: lan, address: "127.0.0.1:0", tls: starttls}]', {
    file,
    environment: {},
    readFile: () => '',
    providerIds: new Set(),
  });
  if (!parsed.ok) throw new Error(`Cannot read the defaults: ${JSON.stringify(parsed.problems)}`);
  return parsed.config.limits;
}

/** One gate, and a provider of its own behind it. */
interface Side {
  readonly gate: Gate;
  readonly provider: Provider;
  readonly tally: Tally;
  /** Until when those who guess wait for an answer. */
  readonly waitingUntilMs: Map<string, number>;
}

const gates: Readonly<Record<GateName, (provider: Provider) => Gate>> = {
  Postern: (provider) => posternGate(provider, { ...defaultLimits(), hashKey: 'the key of the simulation' }),
  fail2ban: fail2banGate,
  'Dovecot penalty': dovecotPenaltyGate,
  nothing: openGate,
};

function openSide(name: GateName): Side {
  const provider = new Provider();
  return { gate: gates[name](provider), provider, tally: new Tally(), waitingUntilMs: new Map() };
}

async function play(
  { gate, tally, waitingUntilMs }: Side,
  { event, isRight }: { readonly event: LoginEvent; readonly isRight: boolean },
): Promise<void> {
  const isGuess = event.who === 'spray' || event.who === 'target';
  // Whoever guesses does it on one connection per machine, and waits for the answer.
  if (isGuess && (waitingUntilMs.get(event.device) ?? 0) > event.atMs) return;
  const answer = gate.logIn(event, isRight);
  const outcome = answer instanceof Promise ? await answer : answer;
  if (isGuess && outcome.waitMs > 0) waitingUntilMs.set(event.device, event.atMs + outcome.waitMs);
  tally.note(event, { isRight, outcome });
}

function isRightPassword(owner: Owner | undefined, { password, atMs }: LoginEvent): boolean {
  return owner !== undefined && password === passwordAt(owner, atMs);
}
