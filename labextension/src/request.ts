import { ServerConnection } from '@jupyterlab/services';

import type { IContainer, IFinding, IRunRequest, IUsageAnswer } from './rows';

/** The server said no; the message is a sentence for a person. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number
  ) {
    super(message);
    this.name = 'Refusal';
  }
}

/** For a `catch`: that there is no such container is no failure; everything else is. */
export function unlessGone(error: unknown): void {
  if (!(error instanceof Refusal && error.status === 404 && error.message !== NOT_ENABLED)) {
    throw error;
  }
}

export const NOT_ENABLED =
  'The Jupyter server does not know ipycontainer. Install ipycontainer in the environment that the server ' +
  'runs in, enable it there (jupyter server extension enable ipycontainer), and start the server anew.';

/** The server's half, as functions. */
export class ContainerServer {
  constructor(readonly settings: ServerConnection.ISettings) {}

  run(request: IRunRequest): Promise<IContainer> {
    return this._ask<IContainer>('POST', 'containers', request);
  }

  start(id: string): Promise<void> {
    return this._ask('POST', `containers/${id}/start`);
  }

  stop(id: string): Promise<void> {
    return this._ask('POST', `containers/${id}/stop`);
  }

  pause(id: string): Promise<void> {
    return this._ask('POST', `containers/${id}/pause`);
  }

  unpause(id: string): Promise<void> {
    return this._ask('POST', `containers/${id}/unpause`);
  }

  /** Remove it; with `force` kill it first. */
  remove(id: string, force: boolean): Promise<void> {
    return this._ask('DELETE', `containers/${id}${force ? '?force=1' : ''}`);
  }

  removeImage(name: string, force: boolean): Promise<void> {
    return this._ask('DELETE', `images?name=${encodeURIComponent(name)}${force ? '&force=1' : ''}`);
  }

  removeVolume(name: string): Promise<void> {
    return this._ask('DELETE', `volumes/${name}`);
  }

  usage(): Promise<IUsageAnswer> {
    return this._ask<IUsageAnswer>('GET', 'usage');
  }

  async doctor(): Promise<readonly IFinding[]> {
    return (await this._ask<{ findings: IFinding[] }>('GET', 'doctor')).findings;
  }

  /** Whether the server has our half at all: a websocket that does not open never says why. */
  async isThere(): Promise<boolean> {
    try {
      await this.usage();
    } catch (error) {
      return !(error instanceof Refusal && error.message === NOT_ENABLED);
    }
    return true;
  }

  stream(): WebSocket {
    return this._socket('stream');
  }

  logs(id: string): WebSocket {
    return this._socket(`containers/${id}/logs`);
  }

  private _socket(path: string): WebSocket {
    const { wsUrl, token, appendToken, WebSocket } = this.settings;
    const query = appendToken && token ? `?token=${encodeURIComponent(token)}` : '';
    return new WebSocket(`${wsUrl}ipycontainer/${path}${query}`);
  }

  private async _ask<Answer = void>(method: string, path: string, body?: object): Promise<Answer> {
    const url = `${this.settings.baseUrl}ipycontainer/${path}`;
    const init = { method, body: body === undefined ? undefined : JSON.stringify(body) };
    const response = await ServerConnection.makeRequest(url, init, this.settings);
    const text = await response.text();
    if (!response.ok) {
      throw new Refusal(sentence(text, response), response.status);
    }
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  }
}

function sentence(text: string, response: Response): string {
  try {
    const found = JSON.parse(text) as { message?: unknown };
    if (typeof found.message === 'string' && found.message !== '') {
      return found.message;
    }
  } catch {
    // Not ours: a page of the server's, or of a proxy before it.
  }
  return response.status === 404
    ? NOT_ENABLED
    : `The server answered ${response.status} ${response.statusText}.`;
}
