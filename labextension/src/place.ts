import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Widget } from '@lumino/widgets';

/** Shows a widget in the main area; beside it where the main area takes one alone, as in Notebook 7. */
export function place(app: JupyterFrontEnd, widget: Widget): void {
  if (!widget.isAttached) {
    app.shell.add(widget, 'main');
  }
  if (!widget.isAttached) {
    app.shell.add(widget, 'right');
  }
  app.shell.activateById(widget.id);
}
