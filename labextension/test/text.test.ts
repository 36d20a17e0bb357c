import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { line } from '../src/terminal';
import { duration, shortName, size, statusText } from '../src/text';
import { container } from './rows';

const trans = nullTranslator.load('ipycontainer');

describe('duration', () => {
  it.each([
    [-1, '0 s'],
    [0.4, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [7200, '2 h'],
    [9 * 86400, '9 d']
  ])('%f is %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe('size', () => {
  it('counts in thousands or in 1024s', () => {
    expect(size(0)).toBe('0 B');
    expect(size(68_100_000)).toBe('68.1 MB');
    expect(size(64 << 20, 1024)).toBe('64 MiB');
    expect(size(1023, 1024)).toBe('1023 B');
  });
});

describe('statusText', () => {
  it('says how a container is, in words', () => {
    const said = (changes: Parameters<typeof container>[0]) => statusText(container(changes), 161, trans);
    expect(said({})).toBe('running for 1 min');
    expect(said({ condition: 'unhealthy' })).toBe('unhealthy, running for 1 min');
    expect(said({ condition: 'healthy' })).toBe('healthy, running for 1 min');
    expect(said({ condition: 'health: starting' })).toContain('not known to be healthy yet');
    expect(said({ condition: 'paused' })).toBe('paused, running for 1 min');
    expect(said({ condition: 'restarting', exit_code: 3, finished: 160 })).toBe(
      'ended with 3, 1 s ago; is started again'
    );
    expect(said({ status: 'created' })).toBe('created 1 min ago, not started');
    expect(said({ status: 'exited', exit_code: 3, finished: 160 })).toBe('ended with 3, 1 s ago');
    expect(said({ status: 'exited', exit_code: 137, oom_killed: true, finished: 160 })).toContain(
      'out of memory'
    );
    expect(said({ status: 'unknown' })).toContain('nobody knows how');
  });
});

describe('shortName', () => {
  it('leaves out what goes without saying', () => {
    expect(shortName('docker.io/library/base:latest')).toBe('base');
    expect(shortName('docker.io/someone/thing:2')).toBe('someone/thing:2');
    expect(shortName('host.example/x:latest')).toBe('host.example/x');
  });
});

describe('the line that opens a terminal inside', () => {
  it('quotes what a shell would read', () => {
    const script = `'"$0" exec -it "$1" sh || { echo "$2"; read -r _; }'`;
    expect(line('/venv/bin/ipycontainer', 'box', 'over')).toBe(
      ` exec sh -c ${script} /venv/bin/ipycontainer box over`
    );
    expect(line("/it's here/ipycontainer", 'box', 'It is over.')).toBe(
      ` exec sh -c ${script} '/it'\\''s here/ipycontainer' box 'It is over.'`
    );
  });
});
