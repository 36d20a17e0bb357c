import type { JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { describe, expect, it } from 'vitest';

import { LogView, showLogs } from '../src/logs';
import type { IContainersModel } from '../src/model';
import { container } from './rows';

function view() {
  const socket = { close: () => undefined } as WebSocket;
  return new LogView(container(), socket, nullTranslator.load('ipycontainer'));
}

describe('LogView', () => {
  it('shows markup as the text that it is', () => {
    const log = view();
    const hostile = '<img src=x onerror="window.taken = true"><script>window.taken = true</script>';
    log.take({ pieces: [{ stream: 'stdout', text: hostile }] });
    expect(log.node.textContent).toBe(hostile);
    expect(log.node.querySelector('img, script')).toBeNull();
  });

  it('forgets the beginning of a flood, and says what was left out', () => {
    const log = view();
    log.take({ passed_over: 5_000_000, pieces: [] });
    expect(log.node.textContent).toContain('5 MB of output are left out here');
    for (let round = 0; round < 10; round++) {
      log.take({ pieces: [{ stream: 'stdout', text: 'x'.repeat(100_000) }] });
    }
    expect(log.node.textContent.length).toBeLessThanOrEqual(400_000);
  });

  it('marks the error stream and the end', () => {
    const log = view();
    log.take({ pieces: [{ stream: 'stderr', text: 'no' }] });
    log.take({ removed: true });
    expect(log.node.querySelector('.jp-mod-stderr')?.textContent).toBe('no');
    expect(log.node.textContent).toContain('\n[The container was removed.]');
  });
});

describe('showLogs', () => {
  it('shows the tab that is open, and another one where its connection is lost', () => {
    const tabs: Widget[] = [];
    const shown: string[] = [];
    const shell = {
      widgets: (area: string) => tabs.filter(tab => area === 'main' && !tab.isDisposed)[Symbol.iterator](),
      add: (tab: Widget) => {
        tabs.push(tab);
        Widget.attach(tab, document.body);
      },
      activateById: (id: string) => shown.push(id)
    };
    const sockets: { readyState: number; close: () => void }[] = [];
    const logs = () => {
      sockets.push({ readyState: WebSocket.OPEN, close: () => undefined });
      return sockets.at(-1);
    };
    const model = { server: { logs } } as unknown as IContainersModel;
    const open = () =>
      showLogs(
        { shell } as unknown as JupyterFrontEnd,
        model,
        container(),
        nullTranslator.load('ipycontainer')
      );
    open();
    open();
    expect(sockets.length).toBe(1);
    expect(shown.length).toBeGreaterThan(0);
    sockets[0].readyState = WebSocket.CLOSED;
    open();
    expect(sockets.length).toBe(2);
    expect(tabs.map(tab => tab.isDisposed)).toEqual([true, false]);
    open();
    expect(sockets.length).toBe(2);
  });
});
