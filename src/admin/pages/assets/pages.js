import { startLive } from './live.js';

const main = document.querySelector('main');

// What was just done is read out, and is where a reader with a keyboard goes on.
document.getElementById('done')?.focus();
const here = new URL(location.href);
if (here.searchParams.has('done')) {
  here.searchParams.delete('done');
  history.replaceState(undefined, '', here);
}

// A link from another site brings no cookie along (SameSite=Strict): from here on it comes.
const signIn = document.querySelector('form[data-next]');
if (signIn instanceof HTMLFormElement && !document.getElementById('trouble')) {
  const next = signIn.dataset.next ?? '/ui';
  const answer = await fetch(next, { redirect: 'manual' }).catch(() => undefined);
  if (answer?.ok) location.replace(next);
}

if (main instanceof HTMLElement && main.dataset.live) startLive(main);
