import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { type IDisposable } from '@lumino/disposable';
import { Panel, type Widget } from '@lumino/widgets';

/** Beside the widget's own form in what the kernel shows (ipycontainer/jupyter/widgets/live.py). */
export const USAGE = 'application/vnd.ipycontainer.usage+json';
const WIDGET = 'application/vnd.jupyter.widget-view+json';
const PICTURE = 'text/html';

/** Before the widget's own, whose renderer says "model not found" where no kernel has it any more. */
const RANK = -20;

type Context = DocumentRegistry.IContext<DocumentRegistry.IModel>;

/** In notebooks: live where the kernel that drew it lives, else the picture that the notebook keeps. */
export function addLiveUsage(app: JupyterFrontEnd): void {
  app.docRegistry.addWidgetExtension('Notebook', {
    createNew: (panel: Widget, context: Context): IDisposable | void => {
      const { rendermime } = (panel as unknown as { content: { rendermime: IRenderMimeRegistry } }).content;
      const createRenderer = () => new LiveUsage(rendermime, context);
      rendermime.addFactory({ safe: false, mimeTypes: [USAGE], createRenderer }, RANK);
    }
  });
}

/** One output: the picture, until the widget has drawn something. */
export class LiveUsage extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _rendermime: IRenderMimeRegistry,
    private readonly _context: Pick<Context, 'saveState' | 'sessionContext'>
  ) {
    super();
    this.addClass('jp-ipycontainer-usage');
    this._picture = _rendermime.createRenderer(PICTURE);
    this.addWidget(this._picture);
    this._drawn = new MutationObserver(() => this._show());
    this._saves = (_, state) => this._saved(state);
    _context.saveState.connect(this._saves);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    if (!this._begun) {
      this._begun = true;
      // A notebook without a kernel waits for ever, and a session that fails is no news of ours.
      this._begin(model).catch(() => undefined);
    }
    if (!this._picture.isHidden) {
      await this._picture.renderModel(model);
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._drawn.disconnect();
      this._context.saveState.disconnect(this._saves);
      super.dispose();
    }
  }

  private async _begin(model: IRenderMime.IMimeModel): Promise<void> {
    await this._context.sessionContext.ready;
    // ipywidgets waits for the same, and then puts the renderer that knows this kernel in its place.
    await new Promise(resolve => window.setTimeout(resolve));
    if (this.isDisposed || !this._rendermime.mimeTypes.includes(WIDGET)) {
      return;
    }
    const live = (this._live = this._rendermime.createRenderer(WIDGET));
    live.addClass('jp-ipycontainer-waits');
    this.addWidget(live);
    this._drawn.observe(live.node, { childList: true, subtree: true });
    await live.renderModel(model);
  }

  private get _drawing(): Element | null {
    return this._live?.node.querySelector('.ipycontainer-usage:not(:empty)') ?? null;
  }

  private _show(): void {
    if (this._drawing !== null) {
      this._drawn.disconnect();
      this._live?.removeClass('jp-ipycontainer-waits');
      this._picture.hide();
    }
  }

  /** The notebook is being saved: it keeps what is drawn now. */
  private _saved(state: DocumentRegistry.SaveState): void {
    const drawing = this._drawing;
    if (state === 'started' && drawing !== null && this._model !== null) {
      // Text nodes and attributes, which the serializer escapes.
      const serializer = new XMLSerializer();
      const picture = [...drawing.childNodes].map(node => serializer.serializeToString(node)).join('');
      this._model.setData({ data: { ...this._model.data, [PICTURE]: picture } });
    }
  }

  private _begun = false;
  private readonly _drawn: MutationObserver;
  private _live: IRenderMime.IRenderer | null = null;
  private _model: IRenderMime.IMimeModel | null = null;
  private readonly _picture: IRenderMime.IRenderer;
  private readonly _saves: (context: unknown, state: DocumentRegistry.SaveState) => void;
}
