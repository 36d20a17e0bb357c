import type { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it, vi } from 'vitest';

import { ContainersModel, merged } from '../src/model';
import { ContainerServer, NOT_ENABLED } from '../src/request';
import type { IStreamMessage } from '../src/rows';
import { container } from './rows';

/** A server that answers with what `answer` says, and a stream into which a test speaks. */
function serverOf(answer: (path: string) => Response) {
  const sockets: { onmessage?: (event: { data: string }) => void; onclose?: () => void }[] = [];
  const asked: string[] = [];
  const settings = {
    baseUrl: 'http://here/',
    wsUrl: 'ws://here/',
    token: 'a token',
    appendToken: true,
    init: {},
    Request,
    Headers,
    fetch: (request: Request) => {
      asked.push(`${request.method} ${request.url}`);
      return Promise.resolve(answer(request.url));
    },
    WebSocket: class {
      constructor(readonly url: string) {
        sockets.push(this as never);
      }
      close(): void {}
    }
  };
  return { server: new ContainerServer(settings as unknown as ServerConnection.ISettings), sockets, asked };
}

const nothing = { changed: [], removed: [] };

function say(
  socket: { onmessage?: (event: { data: string }) => void } | undefined,
  message: IStreamMessage
): void {
  socket?.onmessage?.({ data: JSON.stringify(message) });
}

describe('merged', () => {
  it('keeps the newest first, changes rows in place and removes', () => {
    const [old, young] = [container({ id: 'old', created: 1 }), container({ id: 'young', created: 2 })];
    expect(merged([old], { changed: [young], removed: [] }).map(one => one.id)).toEqual(['young', 'old']);
    expect(merged([old, young], { changed: [], removed: ['young'] })).toEqual([old]);
    expect(merged([old], { changed: [{ ...old, name: 'new' }], removed: [] })[0]?.name).toBe('new');
  });
});

describe('ContainersModel', () => {
  it('follows the stream', () => {
    const { server, sockets } = serverOf(() => new Response('{}'));
    const model = new ContainersModel(server);
    expect(model.ready).toBe(false);
    say(sockets[0], { command: '/there/ipycontainer' });
    const two = [container(), container({ id: 'b', status: 'exited' })];
    say(sockets[0], { whole: true, problem: '', containers: { changed: two, removed: [] }, images: nothing });
    expect(model.ready).toBe(true);
    expect(model.command).toBe('/there/ipycontainer');
    expect(model.running.map(one => one.name)).toEqual(['box']);
    say(sockets[0], { problem: 'the disk is full', containers: nothing, images: nothing });
    expect(model.problem).toBe('the disk is full');
    const kept = { id: 'kept', name: 'kept', created: 1, anonymous: false, used: 0 };
    say(sockets[0], {
      problem: '',
      containers: nothing,
      images: nothing,
      volumes: { changed: [kept], removed: [] }
    });
    expect(model.volumes).toEqual([kept]);
    say(sockets[0], { problem: '', containers: nothing, images: nothing });
    expect(model.volumes).toEqual([kept]);
    expect(model.containers.length).toBe(2);
    model.dispose();
  });

  it('says when the server has never heard of us, and connects again when a stream breaks', async () => {
    vi.useFakeTimers();
    const { server, sockets } = serverOf(() => new Response('<html>', { status: 404 }));
    const model = new ContainersModel(server);
    sockets[0]?.onclose?.();
    await vi.advanceTimersByTimeAsync(600);
    expect(model.problem).toBe(NOT_ENABLED);
    expect(sockets.length).toBe(2);
    say(sockets[1], { whole: true, problem: '', containers: nothing, images: nothing });
    expect(model.problem).toBe('');
    model.dispose();
    vi.useRealTimers();
  });

  it('asks for figures only while somebody looks and something runs', async () => {
    vi.useFakeTimers();
    let time = 0;
    const { server, sockets, asked } = serverOf(() => {
      time += 2;
      const row = { memory: 1, memory_limit: null, cpu_usec: time * 500_000, pids: 1 };
      return new Response(JSON.stringify({ time, cpus: 2, containers: { [container().id]: row } }));
    });
    const model = new ContainersModel(server);
    say(sockets[0], {
      whole: true,
      problem: '',
      containers: { changed: [container()], removed: [] },
      images: nothing
    });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked).toEqual([]);
    const looking = model.watchUsage();
    await vi.advanceTimersByTimeAsync(6500);
    expect(asked.length).toBe(3);
    expect(model.cpuPercent(container().id)).toBe(50);
    looking.dispose();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked.length).toBe(3);
    say(sockets[0], { problem: '', containers: { changed: [], removed: [container().id] }, images: nothing });
    model.watchUsage();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked.length).toBe(3);
    model.dispose();
    vi.useRealTimers();
  });
});

describe('ContainerServer', () => {
  it('turns a refusal into its sentence', async () => {
    const { server } = serverOf(() => new Response('{"message": "No such container: x"}', { status: 404 }));
    await expect(server.start('x')).rejects.toThrow('No such container: x');
    const proxy = serverOf(
      () => new Response('<h1>Bad Gateway</h1>', { status: 502, statusText: 'Bad Gateway' })
    );
    await expect(proxy.server.start('x')).rejects.toThrow('The server answered 502 Bad Gateway.');
  });
});
