import type { TranslationBundle } from '@jupyterlab/translation';

import type { IContainer } from './rows';

const STEPS: readonly [number, string][] = [
  [86400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's']
];

/** `seconds` in its largest unit: 3 s, 12 min, 5 h, 9 d. */
export function duration(seconds: number): string {
  const [length, unit] = STEPS.find(([step]) => seconds >= step) ?? [1, 's'];
  return `${Math.max(0, Math.floor(seconds / length))} ${unit}`;
}

/** Bytes with three digits: 23.4 MB, 64 MiB with `step` 1024. */
export function size(bytes: number, step: 1000 | 1024 = 1000): string {
  const units = step === 1000 ? ['B', 'kB', 'MB', 'GB', 'TB'] : ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= step && unit < units.length - 1) {
    value /= step;
    unit += 1;
  }
  return `${Number(value.toPrecision(value >= 1000 ? 4 : 3))} ${units[unit]}`;
}

/** How a container is, for how long. */
export function statusText(container: IContainer, now: number, trans: TranslationBundle): string {
  switch (container.status) {
    case 'running':
      return runningText(container, now, trans);
    case 'created':
      return trans.__('created %1 ago, not started', duration(now - container.created));
    case 'unknown':
      return trans.__('ended, nobody knows how: its monitor was killed');
    case 'exited': {
      const ago = duration(now - container.finished);
      return container.oom_killed
        ? trans.__('out of memory, killed %1 ago', ago)
        : trans.__('ended with %1, %2 ago', container.exit_code, ago);
    }
  }
}

function runningText(container: IContainer, now: number, trans: TranslationBundle): string {
  const time = duration(now - container.started);
  switch (container.condition) {
    case 'restarting': {
      const ago = duration(now - container.finished);
      return trans.__('ended with %1, %2 ago; is started again', container.exit_code, ago);
    }
    case 'paused':
      return trans.__('paused, running for %1', time);
    case 'healthy':
      return trans.__('healthy, running for %1', time);
    case 'unhealthy':
      return trans.__('unhealthy, running for %1', time);
    case 'health: starting':
      return trans.__('not known to be healthy yet, running for %1', time);
    case '':
      return trans.__('running for %1', time);
  }
}

/** An image's name as people write it: docker.io/library/ and :latest go without saying. */
export function shortName(name: string): string {
  return name.replace(/^docker\.io\/(library\/)?/, '').replace(/:latest$/, '');
}
