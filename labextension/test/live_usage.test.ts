import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { describe, expect, it } from 'vitest';

import { LiveUsage, USAGE } from '../src/live_usage';

const WIDGET = 'application/vnd.jupyter.widget-view+json';

/** Renders by writing down what it was given. */
class Rendered extends Widget implements IRenderMime.IRenderer {
  constructor(readonly mime: string) {
    super();
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.node.textContent = JSON.stringify(model.data[this.mime]);
    return Promise.resolve();
  }
}

function output(mimeTypes: string[] = [WIDGET, 'text/html']) {
  const made: Rendered[] = [];
  const createRenderer = (mime: string) => {
    made.push(new Rendered(mime));
    return made.at(-1)!;
  };
  const saveState = new Signal<object, string>({});
  const context = { saveState, sessionContext: { ready: Promise.resolve() } };
  const rendermime = { mimeTypes, createRenderer } as unknown as IRenderMimeRegistry;
  const live = new LiveUsage(rendermime, context as never);
  const model = {
    trusted: true,
    metadata: {},
    data: { [USAGE]: {}, [WIDGET]: { model_id: 'a' }, 'text/html': '<p>first</p>' } as Record<
      string,
      unknown
    >,
    setData(options: { data?: object }) {
      model.data = options.data as Record<string, unknown>;
    }
  };
  return { live, made, model: model as unknown as IRenderMime.IMimeModel, saveState };
}

const soon = () => new Promise(resolve => setTimeout(resolve, 5));

/** The widget's view draws a name that is markup. */
function draw(renderer: Rendered | undefined): void {
  const view = document.createElement('div');
  view.className = 'ipycontainer-usage';
  view.append(document.createElement('p'));
  view.firstElementChild!.textContent = '<img src=x>';
  renderer!.node.replaceChildren(view);
}

describe('LiveUsage', () => {
  it('shows the picture until the widget has drawn', async () => {
    const { live, made, model } = output();
    await live.renderModel(model);
    await soon();
    expect(made.map(one => one.mime)).toEqual(['text/html', WIDGET]);
    expect(made[0]?.isHidden).toBe(false);
    expect(made[1]?.hasClass('jp-ipycontainer-waits')).toBe(true);
    draw(made[1]);
    await soon();
    expect(made[0]?.isHidden).toBe(true);
    expect(made[1]?.hasClass('jp-ipycontainer-waits')).toBe(false);
  });

  it('shows the picture alone where nothing knows widgets', async () => {
    const { live, made, model } = output(['text/html']);
    await live.renderModel(model);
    await soon();
    expect(made.map(one => one.mime)).toEqual(['text/html']);
  });

  it('keeps what is drawn when the notebook is saved, and keeps text text', async () => {
    const { live, made, model, saveState } = output();
    await live.renderModel(model);
    await soon();
    saveState.emit('started');
    expect(model.data['text/html']).toBe('<p>first</p>');
    draw(made[1]);
    saveState.emit('started');
    expect(model.data['text/html']).toContain('&lt;img src=x&gt;</p>');
    live.dispose();
    draw(made[1]);
    saveState.emit('started');
    expect(model.data[USAGE]).toEqual({});
  });
});
