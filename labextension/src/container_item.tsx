import type { TranslationBundle } from '@jupyterlab/translation';
import { deleteIcon, runIcon, stopIcon, terminalIcon, textEditorIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CommandIDs, isAtWork, isPaused } from './commands';
import { ItemButton } from './item_button';
import { ActiveItem } from './item_list';
import type { IContainersModel } from './model';
import type { IContainer } from './rows';
import { shortName, size, statusText } from './text';

interface IContainerItem {
  readonly container: IContainer;
  readonly model: IContainersModel;
  readonly execute: (id: string, args: { readonly [name: string]: string }) => Promise<unknown>;
  readonly trans: TranslationBundle;
}

/** The state as a shape: never by colour alone. */
const SHAPES = { running: '●', created: '○', exited: '■', unknown: '?' };

function shape({ status, condition }: IContainer): string {
  return condition === 'unhealthy' ? '▲' : condition === 'paused' ? '‖' : SHAPES[status];
}

export function ContainerItem({ container, model, execute, trans }: IContainerItem): JSX.Element {
  const active = React.useContext(ActiveItem);
  const [busy, setBusy] = React.useState('');
  const { id, name, status } = container;
  const runs = status === 'running';

  const act = (command: string, doing: string) => {
    setBusy(doing);
    void execute(command, { id }).finally(() => setBusy(''));
  };
  const keys = (event: React.KeyboardEvent) => {
    if (event.target === event.currentTarget && event.key === 'Enter') {
      act(CommandIDs.logs, '');
    } else if (event.target === event.currentTarget && event.key === 'Delete') {
      act(CommandIDs.remove, '');
    }
  };
  return (
    <li
      className={`jp-ipycontainer-item jp-mod-${status}`}
      data-container={id}
      data-status={status}
      data-condition={container.condition}
      tabIndex={active ? 0 : -1}
      aria-busy={busy !== ''}
      onKeyDown={keys}
    >
      <div className="jp-ipycontainer-line">
        <span className="jp-ipycontainer-state" aria-hidden="true">
          {shape(container)}
        </span>
        <span className="jp-ipycontainer-name" title={`${name}: ${container.command}`}>
          {name}
        </span>
        <span className="jp-ipycontainer-buttons">
          {isPaused(container) && (
            <ItemButton
              icon={runIcon}
              title={trans.__('Unpause')}
              label={trans.__('Unpause %1', name)}
              disabled={busy !== ''}
              onClick={() => act(CommandIDs.unpause, '')}
            />
          )}
          {runs ? (
            <ItemButton
              icon={stopIcon}
              title={trans.__('Stop')}
              label={trans.__('Stop %1', name)}
              disabled={busy !== ''}
              onClick={() => act(CommandIDs.stop, trans.__('stopping…'))}
            />
          ) : (
            <ItemButton
              icon={runIcon}
              title={trans.__('Start')}
              label={trans.__('Start %1', name)}
              disabled={busy !== ''}
              onClick={() => act(CommandIDs.start, trans.__('starting…'))}
            />
          )}
          <ItemButton
            icon={textEditorIcon}
            title={trans.__('Logs')}
            label={trans.__('Logs of %1', name)}
            onClick={() => act(CommandIDs.logs, '')}
          />
          <ItemButton
            icon={terminalIcon}
            title={trans.__('Terminal inside')}
            label={trans.__('Terminal inside %1', name)}
            disabled={!isAtWork(container)}
            onClick={() => act(CommandIDs.terminal, '')}
          />
          <ItemButton
            icon={deleteIcon}
            title={trans.__('Remove')}
            label={trans.__('Remove %1', name)}
            disabled={busy !== ''}
            onClick={() => act(CommandIDs.remove, '')}
          />
        </span>
      </div>
      <div className="jp-ipycontainer-details">
        <span className="jp-ipycontainer-image-name">{shortName(container.image)}</span>
        <span className="jp-ipycontainer-status">
          {busy || statusText(container, Date.now() / 1000, trans)}
        </span>
      </div>
      {runs && <Figures container={container} model={model} trans={trans} />}
    </li>
  );
}

function Figures({
  container,
  model,
  trans
}: {
  container: IContainer;
  model: IContainersModel;
  trans: TranslationBundle;
}): JSX.Element | null {
  const usage = model.usage(container.id);
  const cpu = model.cpuPercent(container.id);
  const memory = usage?.memory ?? null;
  if (memory === null && cpu === undefined) {
    return null;
  }
  const limit = usage?.memory_limit ?? null;
  return (
    <div className="jp-ipycontainer-details jp-ipycontainer-figures">
      <span title={trans.__('Memory')}>
        {memory === null ? '' : size(memory, 1024)}
        {memory === null || limit === null ? '' : trans.__(' of %1', size(limit, 1024))}
      </span>
      <span title={trans.__('Share of one CPU')}>
        {cpu === undefined ? '' : trans.__('%1 % CPU', cpu.toFixed(cpu < 10 ? 1 : 0))}
      </span>
    </div>
  );
}
