import type { TranslationBundle } from '@jupyterlab/translation';
import { deleteIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CommandIDs } from './commands';
import { ItemButton } from './item_button';
import { ActiveItem } from './item_list';
import type { IVolume } from './rows';
import { duration } from './text';

interface IVolumeItem {
  readonly volume: IVolume;
  readonly execute: (id: string, args: { readonly [name: string]: string }) => Promise<unknown>;
  readonly trans: TranslationBundle;
}

export function VolumeItem({ volume, execute, trans }: IVolumeItem): JSX.Element {
  const active = React.useContext(ActiveItem);
  const name = volume.anonymous ? volume.name.slice(0, 12) : volume.name;
  const age = duration(Date.now() / 1000 - volume.created);
  const remove = () => void execute(CommandIDs.removeVolume, { volume: volume.id });
  const keys = (event: React.KeyboardEvent) => {
    if (event.target === event.currentTarget && event.key === 'Delete') {
      remove();
    }
  };
  return (
    <li className="jp-ipycontainer-item" data-volume={volume.id} tabIndex={active ? 0 : -1} onKeyDown={keys}>
      <div className="jp-ipycontainer-line">
        <span className="jp-ipycontainer-name" title={volume.name}>
          {name}
        </span>
        <span className="jp-ipycontainer-buttons">
          <ItemButton
            icon={deleteIcon}
            title={trans.__('Remove')}
            label={trans.__('Remove the volume %1', name)}
            onClick={remove}
          />
        </span>
      </div>
      <div className="jp-ipycontainer-details">
        {volume.anonymous && <span>{trans.__('nobody named it')}</span>}
        <span>{trans.__('made %1 ago', age)}</span>
        {volume.used > 0 && <span>{trans._n('%1 container', '%1 containers', volume.used)}</span>}
      </div>
    </li>
  );
}
