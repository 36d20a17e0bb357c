import * as React from 'react';

interface IItemList {
  readonly label: string;
  /** What stands there when there are no items. */
  readonly empty: React.ReactNode;
  readonly children: React.ReactNode[];
}

/** A list with one place for the Tab key: arrows go from item to item, Tab from there to the item's buttons. */
export function ItemList({ label, empty, children }: IItemList): JSX.Element {
  const list = React.useRef<HTMLUListElement>(null);
  const [at, setAt] = React.useState(0);
  const active = Math.min(at, Math.max(children.length - 1, 0));

  if (children.length === 0) {
    return <p className="jp-ipycontainer-empty">{empty}</p>;
  }
  const go = (event: React.KeyboardEvent<HTMLUListElement>) => {
    const moves: { [key: string]: number } = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      Home: 0,
      End: children.length - 1
    };
    const wanted = moves[event.key];
    if (wanted === undefined || wanted < 0 || wanted >= children.length) {
      return;
    }
    event.preventDefault();
    setAt(wanted);
    (list.current?.children[wanted] as HTMLElement | undefined)?.focus();
  };
  const came = (event: React.FocusEvent<HTMLUListElement>) => {
    const found = [...(list.current?.children ?? [])].findIndex(item => item.contains(event.target));
    if (found >= 0) {
      setAt(found);
    }
  };
  return (
    <ul className="jp-ipycontainer-list" aria-label={label} ref={list} onKeyDown={go} onFocus={came}>
      {children.map((child, position) => (
        <ActiveItem.Provider key={(child as React.ReactElement).key} value={position === active}>
          {child}
        </ActiveItem.Provider>
      ))}
    </ul>
  );
}

/** Whether the item is the one that the Tab key reaches. */
export const ActiveItem = React.createContext(false);
