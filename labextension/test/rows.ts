import type { IContainer } from '../src/rows';

/** A running container, but for `changes`. */
export function container(changes: Partial<IContainer> = {}): IContainer {
  return {
    id: 'a'.repeat(64),
    name: 'box',
    image: 'base',
    command: 'sleep 1000',
    status: 'running',
    condition: '',
    created: 100,
    started: 101,
    finished: 0,
    exit_code: null,
    oom_killed: false,
    error: '',
    removes_itself: false,
    ...changes
  };
}
