import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands, CommandIDs, FOR_THE_PALETTE } from './commands';
import { containerIcon } from './icons';
import { addLiveUsage } from './live_usage';
import { ContainersModel, IContainersModel } from './model';
import { ContainersPanel } from './panel';
import { ContainerServer } from './request';
import { addToRunning } from './running';

const model: JupyterFrontEndPlugin<IContainersModel> = {
  id: 'ipycontainer:model',
  description: 'Follows the containers, images and volumes of this server.',
  autoStart: true,
  provides: IContainersModel,
  activate: app => new ContainersModel(new ContainerServer(app.serviceManager.serverSettings))
};

const commands: JupyterFrontEndPlugin<void> = {
  id: 'ipycontainer:commands',
  description: 'What can be done to containers and images, as commands.',
  autoStart: true,
  requires: [IContainersModel],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    containers: IContainersModel,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('ipycontainer');
    addCommands(app, containers, trans);
    for (const command of FOR_THE_PALETTE) {
      palette?.addItem({ command, category: trans.__('Containers') });
    }
  }
};

const panel: JupyterFrontEndPlugin<void> = {
  id: 'ipycontainer:panel',
  description: 'The side bar Containers.',
  autoStart: true,
  requires: [IContainersModel],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    containers: IContainersModel,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('ipycontainer');
    const widget = new ContainersPanel(containers, app.commands, trans);
    app.shell.add(widget, 'left', { rank: 250 });
    restorer?.add(widget, 'ipycontainer-panel');
    app.commands.addCommand(CommandIDs.show, {
      label: trans.__('Show Containers'),
      caption: trans.__('The side bar with containers, images and volumes'),
      icon: containerIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(widget.id)
    });
  }
};

const running: JupyterFrontEndPlugin<void> = {
  id: 'ipycontainer:running',
  description: 'Running containers among the running things, with Shut Down.',
  autoStart: true,
  requires: [IContainersModel],
  // Notebook 7 has it in its tree and not beside a notebook.
  optional: [IRunningSessionManagers, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    containers: IContainersModel,
    managers: IRunningSessionManagers | null,
    translator: ITranslator | null
  ) => {
    if (managers !== null) {
      addToRunning(app, containers, managers, (translator ?? nullTranslator).load('ipycontainer'));
    }
  }
};

const usage: JupyterFrontEndPlugin<void> = {
  id: 'ipycontainer:usage',
  description: 'Live pictures of what containers use, still ones where the kernel is gone.',
  autoStart: true,
  activate: addLiveUsage
};

export default [model, commands, panel, running, usage];
