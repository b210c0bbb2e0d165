import type { Provider } from '../policy/provider.ts';
import { americas } from './catalog/americas.ts';
import { asiaPacific } from './catalog/asia-pacific.ts';
import { easternEurope } from './catalog/eastern-europe.ts';
import { germany } from './catalog/germany.ts';
import { international } from './catalog/international.ts';
import { microsoft } from './catalog/microsoft.ts';
import { southernEurope } from './catalog/southern-europe.ts';
import { unitedInternet } from './catalog/united-internet.ts';
import { westernEurope } from './catalog/western-europe.ts';
import { yahoo } from './catalog/yahoo.ts';

/** Every mail provider that Postern knows, by family and region. */
export const catalog: readonly Provider[] = [
  ...yahoo,
  ...international,
  ...microsoft,
  ...americas,
  ...unitedInternet,
  ...germany,
  ...westernEurope,
  ...southernEurope,
  ...easternEurope,
  ...asiaPacific,
];
