import { styleText } from 'node:util';

/** The few styles of the narration. */
type Style = 'bold' | 'dim' | 'red' | 'green';

/** Colours a text, or leaves it as it is. */
export type Palette = (style: Style, text: string) => string;

/** Makes a palette; the caller knows whether there is a terminal that wants colours. */
export function createPalette({ useColour }: { readonly useColour: boolean }): Palette {
  return (style, text) => (useColour ? styleText(style, text, { validateStream: false }) : text);
}
