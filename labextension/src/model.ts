import { Token } from '@lumino/coreutils';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ContainerServer, NOT_ENABLED } from './request';
import type { IContainer, IImage, IStreamMessage, IUsage, IUsageAnswer, IVolume } from './rows';

/** All that the parts of the extension know and share. */
export interface IContainersModel {
  readonly server: ContainerServer;
  /** The newest first. */
  readonly containers: readonly IContainer[];
  /** The newest first. */
  readonly images: readonly IImage[];
  /** The newest first. */
  readonly volumes: readonly IVolume[];
  readonly running: readonly IContainer[];
  /** A sentence to show; empty when all is well. */
  readonly problem: string;
  /** Whether the first picture has come. */
  readonly ready: boolean;
  /** Where the `ipycontainer` command is. */
  readonly command: string;
  /** Something of the above, or of the usage, is different. */
  readonly changed: ISignal<IContainersModel, void>;
  usage(id: string): IUsage | undefined;
  /** Percent of one CPU between the last two looks; undefined before there are two. */
  cpuPercent(id: string): number | undefined;
  /** Memory and CPU are read while somebody holds this. */
  watchUsage(): IDisposable;
}

export const IContainersModel = new Token<IContainersModel>(
  'ipycontainer:IContainersModel',
  'The containers, images and volumes of this server.'
);

const USAGE_INTERVAL = 3000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30000;

/** Follows the server's stream; connects again when it breaks. */
export class ContainersModel implements IContainersModel, IDisposable {
  constructor(readonly server: ContainerServer) {
    this._connect();
  }

  get containers(): readonly IContainer[] {
    return this._containers;
  }

  get images(): readonly IImage[] {
    return this._images;
  }

  get volumes(): readonly IVolume[] {
    return this._volumes;
  }

  get running(): readonly IContainer[] {
    return this._containers.filter(one => one.status === 'running');
  }

  get problem(): string {
    return this._lost || this._problem;
  }

  get ready(): boolean {
    return this._ready;
  }

  get command(): string {
    return this._command;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  usage(id: string): IUsage | undefined {
    return this._usage?.containers[id];
  }

  cpuPercent(id: string): number | undefined {
    const now = this._usage?.containers[id]?.cpu_usec;
    const then = this._usageBefore?.containers[id]?.cpu_usec;
    if (now === undefined || now === null || then === undefined || then === null) {
      return undefined;
    }
    const seconds = this._usage!.time - this._usageBefore!.time;
    return seconds > 0 ? (Math.max(0, now - then) / 1e6 / seconds) * 100 : undefined;
  }

  watchUsage(): IDisposable {
    this._watchers += 1;
    this._readUsage();
    return new DisposableDelegate(() => {
      this._watchers -= 1;
    });
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    window.clearTimeout(this._usageTimer);
    this._socket?.close();
    Signal.clearData(this);
  }

  private _connect(): void {
    const socket = (this._socket = this.server.stream());
    socket.onmessage = event => {
      this._wait = FIRST_WAIT;
      this._lost = '';
      this._take(JSON.parse(event.data as string) as IStreamMessage);
    };
    socket.onclose = () => void this._again();
  }

  /** The stream broke: the server went, or it never had our half. */
  private async _again(): Promise<void> {
    if (this._isDisposed) {
      return;
    }
    const wait = this._wait;
    this._wait = Math.min(wait * 2, LONGEST_WAIT);
    const there = await this.server.isThere();
    this._lost = there ? 'The connection to the server is lost; trying again.' : NOT_ENABLED;
    this._changed.emit();
    this._timer = window.setTimeout(() => this._connect(), wait);
  }

  private _take(message: IStreamMessage): void {
    if (message.command !== undefined) {
      this._command = message.command;
      return;
    }
    this._ready = true;
    this._problem = message.problem ?? '';
    const whole = message.whole ?? false;
    this._containers = merged(whole ? [] : this._containers, message.containers);
    this._images = merged(whole ? [] : this._images, message.images);
    this._volumes = merged(whole ? [] : this._volumes, message.volumes);
    this._changed.emit();
    this._readUsage();
  }

  /** Reads it now and then again, while somebody looks and something runs. */
  private _readUsage(): void {
    if (
      this._usageTimer === undefined &&
      this._watchers > 0 &&
      this.running.length > 0 &&
      !this._isDisposed
    ) {
      this._usageTimer = window.setTimeout(() => {
        this._usageTimer = undefined;
        this._readUsage();
      }, USAGE_INTERVAL);
      this.server.usage().then(
        answer => {
          this._usageBefore = this._usage;
          this._usage = answer;
          this._changed.emit();
        },
        () => undefined // the stream says what is wrong
      );
    }
  }

  private _changed = new Signal<this, void>(this);
  private _command = 'ipycontainer';
  private _containers: readonly IContainer[] = [];
  private _images: readonly IImage[] = [];
  private _isDisposed = false;
  private _lost = '';
  private _problem = '';
  private _ready = false;
  private _socket: WebSocket | undefined;
  private _timer: number | undefined;
  private _usage: IUsageAnswer | undefined;
  private _usageBefore: IUsageAnswer | undefined;
  private _usageTimer: number | undefined;
  private _volumes: readonly IVolume[] = [];
  private _wait = FIRST_WAIT;
  private _watchers = 0;
}

/** The rows after the changes, the newest first. */
export function merged<Row extends { readonly id: string; readonly created: number }>(
  rows: readonly Row[],
  changes: { readonly changed: readonly Row[]; readonly removed: readonly string[] } | undefined
): readonly Row[] {
  if (changes === undefined) {
    return rows;
  }
  const found = new Map(rows.map(row => [row.id, row]));
  changes.removed.forEach(id => found.delete(id));
  changes.changed.forEach(row => found.set(row.id, row));
  return [...found.values()].sort(
    (one, other) => other.created - one.created || one.id.localeCompare(other.id)
  );
}
