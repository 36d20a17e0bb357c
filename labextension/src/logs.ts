import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { textEditorIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

import type { IContainersModel } from './model';
import { place } from './place';
import type { IContainer, ILogMessage } from './rows';
import { size } from './text';

/** Characters that are kept; what came before them is taken away. */
const KEPT = 300_000;
const NEAR_THE_END = 30;

/** What a container writes, as plain text: text nodes alone, so that nothing in it can be markup. */
export class LogView extends Widget {
  constructor(
    container: IContainer,
    socket: WebSocket,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this._socket = socket;
    this.addClass('jp-ipycontainer-logs');
    this._text = document.createElement('pre');
    this._text.tabIndex = 0;
    this._text.setAttribute('role', 'log');
    this._text.setAttribute('aria-label', this._trans.__('Output of %1', container.name));
    this._text.dataset.empty = this._trans.__('It has written nothing yet.');
    this.node.appendChild(this._text);
    socket.onmessage = event => this.take(JSON.parse(event.data as string) as ILogMessage);
    socket.onclose = () => {
      if (!this.isDisposed && !this._told) {
        this._note(this._trans.__('The connection to the server is lost; open the logs again.'));
      }
    };
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._socket.close();
      super.dispose();
    }
  }

  /** Whether nothing more can come: the connection is closed, or about to be. */
  get isOver(): boolean {
    return this._socket.readyState >= WebSocket.CLOSING;
  }

  /** One message of the server's. */
  take(message: ILogMessage): void {
    const view = this.node;
    const follows = view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_THE_END;
    if (message.passed_over) {
      this._note(this._trans.__('%1 of output are left out here', size(message.passed_over)));
    }
    for (const piece of message.pieces ?? []) {
      this._add(piece.text, piece.stream === 'stderr' ? 'jp-mod-stderr' : '');
    }
    if (message.removed) {
      this._told = true;
      this._note(this._trans.__('The container was removed.'));
    }
    if (message.problem) {
      this._told = true;
      this._note(message.problem);
    }
    if (follows) {
      view.scrollTop = view.scrollHeight;
    }
  }

  private _note(text: string): void {
    const last = this._text.lastChild?.textContent ?? '\n';
    this._add(`${last.endsWith('\n') ? '' : '\n'}[${text}]\n`, 'jp-mod-note');
  }

  private _add(text: string, className: string): void {
    const last = this._text.lastElementChild as HTMLElement | null;
    if (last !== null && last.className === className && last.textContent.length < 20_000) {
      last.appendChild(document.createTextNode(text));
    } else {
      const piece = document.createElement('span');
      piece.className = className;
      piece.textContent = text;
      this._text.appendChild(piece);
    }
    this._size += text.length;
    while (this._size > KEPT && this._text.childElementCount > 1) {
      this._size -= this._text.firstElementChild!.textContent.length;
      this._text.firstElementChild!.remove();
    }
  }

  private _size = 0;
  private _socket: WebSocket;
  private _text: HTMLPreElement;
  private _told = false;
}

/** Opens a container's output in the main area, or shows the one that is open and still hears of it. */
export function showLogs(
  app: JupyterFrontEnd,
  model: IContainersModel,
  container: IContainer,
  trans: TranslationBundle
): void {
  const id = `ipycontainer-logs-${container.id}`;
  for (const area of ['main', 'right']) {
    for (const open of [...app.shell.widgets(area)]) {
      if (open.id !== id) {
        continue;
      }
      if (open instanceof MainAreaWidget && open.content instanceof LogView && open.content.isOver) {
        open.dispose();
        continue;
      }
      app.shell.activateById(id);
      return;
    }
  }
  const content = new LogView(container, model.server.logs(container.id), trans);
  const widget = new MainAreaWidget({ content });
  widget.id = id;
  widget.title.label = trans.__('Logs: %1', container.name);
  widget.title.caption = trans.__('What the container %1 writes', container.name);
  widget.title.icon = textEditorIcon;
  widget.title.closable = true;
  place(app, widget);
}
