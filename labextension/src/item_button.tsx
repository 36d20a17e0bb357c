import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { ActiveItem } from './item_list';

interface IItemButton {
  readonly icon: LabIcon;
  /** For the eye: the tool tip. */
  readonly title: string;
  /** For the ear: with the name of what it works on. */
  readonly label: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}

/** A small button at an item.  Disabled it keeps the focus, which a button's own `disabled` would give to the page. */
export function ItemButton({ icon, title, label, disabled, onClick }: IItemButton): JSX.Element {
  const active = React.useContext(ActiveItem);
  return (
    <button
      className="jp-ipycontainer-button"
      title={title}
      aria-label={label}
      aria-disabled={disabled}
      tabIndex={active ? 0 : -1}
      onClick={disabled ? undefined : onClick}
    >
      <icon.react tag="span" />
    </button>
  );
}
