import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { Terminal } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import type { IContainersModel } from './model';
import type { IContainer } from './rows';

/** A terminal of JupyterLab's own, in which one line has been typed: a shell inside the container. */
export async function openTerminal(
  app: JupyterFrontEnd,
  model: IContainersModel,
  container: IContainer,
  trans: TranslationBundle
): Promise<void> {
  const create = 'terminal:create-new';
  if (!app.commands.hasCommand(create)) {
    throw new Error(trans.__('This server offers no terminals.'));
  }
  const widget: unknown = await app.commands.execute(create);
  if (!(widget instanceof MainAreaWidget)) {
    throw new Error(trans.__('The terminal did not open.'));
  }
  // Notebook 7 shows it in a browser tab of its own; what is typed here arrives there too.
  const terminal = widget.content as Widget & { session: Terminal.ITerminalConnection };
  const ended = trans.__('It has ended; Enter closes this terminal.');
  terminal.session.send({ type: 'stdin', content: [`${line(model.command, container.name, ended)}\r`] });
  // The tab takes its label from the terminal, which names itself when it is connected, and then again whatever the
  // program inside asks for: this one keeps saying where it leads.
  const label = trans.__('Inside %1', container.name);
  const keep = () => {
    if (terminal.title.label !== label) {
      terminal.title.label = label;
    }
  };
  terminal.title.changed.connect(keep);
  keep();
}

/**
 * What is typed; the leading blank keeps it out of a shell's history.  It takes the place of the terminal's own shell:
 * with what runs inside the terminal ends too, and nobody types outside what was meant for inside.
 */
export function line(command: string, name: string, ended: string): string {
  const script = `"$0" exec -it "$1" sh || { echo "$2"; read -r _; }`;
  return ` exec sh -c '${script}' ${quoted(command)} ${quoted(name)} ${quoted(ended)}`;
}

function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
