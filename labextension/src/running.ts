import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { IRunningSessionManagers, IRunningSessions } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { CommandIDs } from './commands';
import { containerIcon } from './icons';
import type { IContainersModel } from './model';
import { shortName } from './text';

/** The running containers among JupyterLab's own running things, with Shut Down. */
export function addToRunning(
  app: JupyterFrontEnd,
  model: IContainersModel,
  managers: IRunningSessionManagers,
  trans: TranslationBundle
): void {
  const failed = (error: unknown) =>
    showErrorMessage(trans.__('Stop a container'), error instanceof Error ? error.message : String(error));
  const items = (): IRunningSessions.IRunningItem[] =>
    model.running.map(container => ({
      icon: () => containerIcon,
      label: () => container.name,
      labelTitle: () => `${container.name}: ${container.command}`,
      detail: () => shortName(container.image),
      open: () => void app.commands.execute(CommandIDs.logs, { id: container.id }),
      shutdown: () => void model.server.stop(container.id).catch(failed)
    }));
  // The panel draws anew at every signal: not for figures, and not for what is already shown.
  const runningChanged = new Signal<IContainersModel, void>(model);
  let shown = '';
  model.changed.connect(() => {
    const now = model.running.map(container => container.id + container.name).join();
    if (now !== shown) {
      shown = now;
      runningChanged.emit();
    }
  });
  managers.add({
    name: trans.__('Containers'),
    running: items,
    refreshRunning: () => runningChanged.emit(),
    runningChanged,
    shutdownAll: () => void Promise.all(model.running.map(one => model.server.stop(one.id))).catch(failed),
    shutdownLabel: trans.__('Shut Down'),
    shutdownAllLabel: trans.__('Shut Down All'),
    shutdownAllConfirmationText: trans.__('Stop all running containers? They stay, and can be started again.')
  });
}
