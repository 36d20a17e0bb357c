import * as React from 'react';

interface IItemList {
  readonly label: string;
  /** What stands there when there are no items; it gets the focus that the last one had. */
  readonly empty: React.ReactNode;
  readonly children: React.ReactNode[];
}

/** Has the focus, in place of an item's key, where there is none. */
const NOTHING = '';

/** A list with one place for the Tab key: arrows go from item to item, Tab from there to the item's buttons. */
export function ItemList({ label, empty, children }: IItemList): JSX.Element {
  const list = React.useRef<HTMLUListElement>(null);
  const nothing = React.useRef<HTMLParagraphElement>(null);
  const keys = children.map(child => (child as React.ReactElement).key);
  // By its key: what appears above it must not take its place.
  const [chosen, setChosen] = React.useState<string | null>(null);
  const place = React.useRef(0);
  const focused = React.useRef<string | null>(null);
  const active = keys.includes(chosen) ? keys.indexOf(chosen) : Math.min(place.current, keys.length - 1);

  React.useLayoutEffect(() => {
    place.current = Math.max(active, 0);
    if (focused.current !== null && !keys.includes(focused.current)) {
      // It was removed, and took the focus with it: go on with what is there now.
      const heir = (list.current?.children[active] ?? nothing.current) as HTMLElement | null;
      if (document.activeElement === document.body) {
        heir?.focus();
      } else if (document.activeElement !== heir) {
        focused.current = null;
      }
    }
  });

  if (children.length === 0) {
    return (
      <p
        className="jp-ipycontainer-empty"
        tabIndex={-1}
        ref={nothing}
        onFocus={() => (focused.current = NOTHING)}
        onBlur={() => (focused.current = null)}
      >
        {empty}
      </p>
    );
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
    (list.current?.children[wanted] as HTMLElement | undefined)?.focus();
  };
  const came = (event: React.FocusEvent<HTMLUListElement>) => {
    const found = [...(list.current?.children ?? [])].findIndex(item => item.contains(event.target));
    if (found >= 0) {
      setChosen((focused.current = keys[found]));
    }
  };
  return (
    <ul
      className="jp-ipycontainer-list"
      aria-label={label}
      ref={list}
      onKeyDown={go}
      onFocus={came}
      onBlur={() => (focused.current = null)}
    >
      {children.map((child, position) => (
        <ActiveItem.Provider key={keys[position]} value={position === active}>
          {child}
        </ActiveItem.Provider>
      ))}
    </ul>
  );
}

/** Whether the item is the one that the Tab key reaches. */
export const ActiveItem = React.createContext(false);
