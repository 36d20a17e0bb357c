import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, InputDialog, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  deleteIcon,
  pauseIcon,
  runIcon,
  stopIcon,
  terminalIcon,
  textEditorIcon
} from '@jupyterlab/ui-components';

import { containerIcon } from './icons';
import type { IContainersModel } from './model';
import type { IContainer } from './rows';
import { unlessGone } from './request';
import { runUntilTaken } from './run_dialog';
import { shortName } from './text';

export const CommandIDs = {
  show: 'ipycontainer:show',
  run: 'ipycontainer:run',
  start: 'ipycontainer:start',
  stop: 'ipycontainer:stop',
  pause: 'ipycontainer:pause',
  unpause: 'ipycontainer:unpause',
  remove: 'ipycontainer:remove',
  logs: 'ipycontainer:logs',
  terminal: 'ipycontainer:terminal',
  removeImage: 'ipycontainer:remove-image',
  removeVolume: 'ipycontainer:remove-volume',
  doctor: 'ipycontainer:doctor'
} as const;

/** Those that the palette lists; without arguments they ask which container is meant. */
export const FOR_THE_PALETTE = [
  CommandIDs.show,
  CommandIDs.run,
  CommandIDs.start,
  CommandIDs.stop,
  CommandIDs.pause,
  CommandIDs.unpause,
  CommandIDs.remove,
  CommandIDs.logs,
  CommandIDs.terminal,
  CommandIDs.removeImage,
  CommandIDs.removeVolume,
  CommandIDs.doctor
];

type Fits = (container: IContainer) => boolean;
const RUNS: Fits = one => one.status === 'running';
const RESTS: Fits = one => one.status !== 'running';
export const isPaused: Fits = one => one.condition === 'paused';
/** Whether there are processes in it that go on: what can be entered, and what can be paused. */
export const isAtWork: Fits = one => RUNS(one) && !isPaused(one) && one.condition !== 'restarting';
const ANY: Fits = () => true;

interface IArguments {
  readonly id?: string;
  readonly name?: string;
  readonly image?: string;
  readonly volume?: string;
}

/** What can be done to containers, images and volumes, as commands. */
export function addCommands(app: JupyterFrontEnd, model: IContainersModel, trans: TranslationBundle): void {
  const { commands } = app;
  const { server } = model;

  /** The container that is meant; null when the person thought better of it, or there is none. */
  const choose = async (args: IArguments, title: string, fits: Fits): Promise<IContainer | null> => {
    if (args.id !== undefined) {
      return model.containers.find(one => one.id === args.id) ?? null;
    }
    const fitting = model.containers.filter(fits);
    if (fitting.length === 0) {
      await showErrorMessage(title, trans.__('There is no container of which this could be asked.'));
      return null;
    }
    const answer = await InputDialog.getItem({
      title,
      label: trans.__('Container'),
      items: fitting.map(one => one.name)
    });
    return fitting.find(one => answer.button.accept && one.name === answer.value) ?? null;
  };

  const confirm = async (title: string, body: string, label: string): Promise<boolean> => {
    const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label })];
    return (await showDialog({ title, body, buttons, defaultButton: 0 })).button.accept;
  };

  const removeContainer = async (args: IArguments): Promise<void> => {
    const one = await choose(args, trans.__('Remove a container'), ANY);
    if (one === null) {
      return;
    }
    const body = RUNS(one)
      ? trans.__('It is running and will be killed. What it wrote into its own files goes with it.')
      : trans.__('What it wrote into its own files goes with it.');
    if (await confirm(trans.__('Remove %1?', one.name), body, trans.__('Remove'))) {
      // Whoever removed it meanwhile has done what was wanted.
      await server.remove(one.id, RUNS(one)).catch(unlessGone);
    }
  };

  const removeImage = async (args: IArguments): Promise<void> => {
    let name = args.image;
    if (name === undefined) {
      const title = trans.__('Remove an image');
      const items = model.images.map(one => one.names[0] ?? one.id);
      if (items.length === 0) {
        throw new Error(trans.__('There is no image.'));
      }
      const answer = await InputDialog.getItem({ title, label: trans.__('Image'), items });
      name = answer.button.accept ? (answer.value ?? undefined) : undefined;
    }
    if (name === undefined) {
      return;
    }
    const title = trans.__('Remove the image %1?', shortName(name));
    const image = model.images.find(one => one.names.includes(name) || one.id === name);
    const used = image !== undefined && image.used > 0;
    if (used && image.names.length === 0) {
      throw new Error(trans.__('A container was made from it: remove the container first.'));
    }
    const held = used && image.names.length === 1;
    const body = held
      ? trans.__('A container was made from it: the name goes, the files stay for the container.')
      : trans.__('Its files go with its last name.');
    if (await confirm(title, body, trans.__('Remove'))) {
      await server.removeImage(name, held);
    }
  };

  const removeVolume = async (args: IArguments): Promise<void> => {
    const title = trans.__('Remove a volume');
    let id = args.volume;
    if (id === undefined) {
      const items = model.volumes.map(one => one.id);
      if (items.length === 0) {
        throw new Error(trans.__('There is no volume.'));
      }
      const answer = await InputDialog.getItem({ title, label: trans.__('Volume'), items });
      id = answer.button.accept ? (answer.value ?? undefined) : undefined;
    }
    const one = model.volumes.find(volume => volume.id === id);
    if (one === undefined) {
      return;
    }
    if (one.used > 0) {
      throw new Error(trans.__('A container uses it: remove the container first.'));
    }
    const body = trans.__('Its files go with it.');
    if (await confirm(trans.__('Remove the volume %1?', one.name), body, trans.__('Remove'))) {
      await server.removeVolume(one.id).catch(unlessGone);
    }
  };

  /** Adds a command whose failure is told in a dialog. */
  const add = (
    id: string,
    label: string,
    icon: typeof containerIcon,
    work: (args: IArguments) => Promise<unknown>,
    usage: string
  ) => {
    commands.addCommand(id, {
      label,
      caption: usage,
      icon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            name: { type: 'string' },
            image: { type: 'string' },
            volume: { type: 'string' }
          }
        }
      },
      execute: async args => {
        try {
          return await work(args);
        } catch (error) {
          await showErrorMessage(
            label.replace(/…$/, ''),
            error instanceof Error ? error.message : String(error)
          );
          return undefined;
        }
      }
    });
  };

  add(
    CommandIDs.run,
    trans.__('Run a Container…'),
    runIcon,
    async args => {
      const images = model.images.flatMap(one => one.names.slice(0, 1)).map(shortName);
      await runUntilTaken(images, args.image, request => server.run(request), trans);
    },
    trans.__('Make a container from an image and start it')
  );
  add(
    CommandIDs.start,
    trans.__('Start a Container…'),
    runIcon,
    async args => {
      const one = await choose(args, trans.__('Start a container'), RESTS);
      return one && server.start(one.id);
    },
    trans.__('Start a container that does not run')
  );
  add(
    CommandIDs.stop,
    trans.__('Stop a Container…'),
    stopIcon,
    async args => {
      const one = await choose(args, trans.__('Stop a container'), RUNS);
      return one && server.stop(one.id);
    },
    trans.__('Ask a container to end, and kill it after ten seconds')
  );
  add(
    CommandIDs.pause,
    trans.__('Pause a Container…'),
    pauseIcon,
    async args => {
      const one = await choose(args, trans.__('Pause a container'), isAtWork);
      return one && server.pause(one.id);
    },
    trans.__('Let all processes of a container stand still')
  );
  add(
    CommandIDs.unpause,
    trans.__('Unpause a Container…'),
    runIcon,
    async args => {
      const one = await choose(args, trans.__('Unpause a container'), isPaused);
      return one && server.unpause(one.id);
    },
    trans.__('Let the processes of a paused container go on')
  );
  add(
    CommandIDs.remove,
    trans.__('Remove a Container…'),
    deleteIcon,
    removeContainer,
    trans.__('Remove a container and what it wrote')
  );
  add(
    CommandIDs.removeImage,
    trans.__('Remove an Image…'),
    deleteIcon,
    removeImage,
    trans.__('Remove an image; what a container was made from stays for it, without a name')
  );
  add(
    CommandIDs.removeVolume,
    trans.__('Remove a Volume…'),
    deleteIcon,
    removeVolume,
    trans.__('Remove a volume and its files')
  );
  add(
    CommandIDs.logs,
    trans.__('Logs of a Container…'),
    textEditorIcon,
    async args => {
      const one = await choose(args, trans.__('Logs of a container'), ANY);
      if (one !== null) {
        const { showLogs } = await import('./logs');
        showLogs(app, model, one, trans);
      }
    },
    trans.__('What a container has written, and goes on writing')
  );
  add(
    CommandIDs.terminal,
    trans.__('Terminal Inside a Container…'),
    terminalIcon,
    async args => {
      const one = await choose(args, trans.__('Terminal inside a container'), isAtWork);
      if (one !== null) {
        const { openTerminal } = await import('./terminal');
        await openTerminal(app, model, one, trans);
      }
    },
    trans.__('A shell inside a running container, in a terminal')
  );
  add(
    CommandIDs.doctor,
    trans.__('What This Machine Allows'),
    containerIcon,
    async () => {
      const { showDoctor } = await import('./doctor');
      await showDoctor(model, trans);
    },
    trans.__('What works for containers on this machine, and what would mend the rest')
  );
}
