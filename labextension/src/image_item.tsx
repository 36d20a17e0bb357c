import type { TranslationBundle } from '@jupyterlab/translation';
import { deleteIcon, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CommandIDs } from './commands';
import { ItemButton } from './item_button';
import { ActiveItem } from './item_list';
import type { IImage } from './rows';
import { duration, shortName, size } from './text';

interface IImageItem {
  readonly image: IImage;
  readonly execute: (id: string, args: { readonly [name: string]: string }) => Promise<unknown>;
  readonly trans: TranslationBundle;
}

export function ImageItem({ image, execute, trans }: IImageItem): JSX.Element {
  const active = React.useContext(ActiveItem);
  const reference = image.names[0] ?? image.id;
  const name = image.names.length > 0 ? image.names.map(shortName).join(', ') : image.id.slice(7, 19);
  const age = duration(Date.now() / 1000 - image.created);
  const run = () => void execute(CommandIDs.run, { image: shortName(reference) });
  const remove = () => void execute(CommandIDs.removeImage, { image: reference });
  const keys = (event: React.KeyboardEvent) => {
    if (event.target === event.currentTarget && event.key === 'Enter') {
      run();
    } else if (event.target === event.currentTarget && event.key === 'Delete') {
      remove();
    }
  };
  return (
    <li className="jp-ipycontainer-item" data-image={image.id} tabIndex={active ? 0 : -1} onKeyDown={keys}>
      <div className="jp-ipycontainer-line">
        <span className="jp-ipycontainer-name" title={name}>
          {name}
        </span>
        <span className="jp-ipycontainer-buttons">
          <ItemButton
            icon={runIcon}
            title={trans.__('Run…')}
            label={trans.__('Run %1', name)}
            onClick={run}
          />
          <ItemButton
            icon={deleteIcon}
            title={trans.__('Remove')}
            label={trans.__('Remove the image %1', name)}
            onClick={remove}
          />
        </span>
      </div>
      <div className="jp-ipycontainer-details">
        <span>{size(image.size)}</span>
        <span>{trans.__('made %1 ago', age)}</span>
        {image.used > 0 && <span>{trans._n('%1 container', '%1 containers', image.used)}</span>}
      </div>
    </li>
  );
}
