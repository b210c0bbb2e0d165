import type { Provider } from '../policy/provider.ts';
import { catalog } from './catalog.ts';

const byIdOrDomain: ReadonlyMap<string, Provider> = new Map(
  catalog.flatMap((provider) => [provider.id, ...provider.domains].map((key) => [key, provider] as const)),
);

/** The provider with this id, or the one that claims this domain or this address's domain; letter case does not matter. */
export function findProvider(idOrDomain: string): Provider | undefined {
  return byIdOrDomain.get(comparable(idOrDomain));
}

/**
 * The providers whose id, name, host or one of whose domains contains `query`, whatever its letter case.
 * One that the query names exactly comes first; of an address only the domain counts; an empty query finds all.
 */
export function searchProviders(query: string): readonly Provider[] {
  const wanted = comparable(query);
  const named = findProvider(query);
  const found = catalog.filter((provider) => provider !== named && isFound(provider, wanted));
  return named === undefined ? found : [named, ...found];
}

function comparable(text: string): string {
  return text
    .slice(text.lastIndexOf('@') + 1)
    .trim()
    .toLowerCase();
}

function isFound({ id, name, domains, pop3 }: Provider, wanted: string): boolean {
  return [id, name.toLowerCase(), pop3?.host ?? '', ...domains].some((text) => text.includes(wanted));
}
