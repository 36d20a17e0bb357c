import { ReactWidget } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { CommandIDs } from '../src/commands';
import { ContainerItem } from '../src/container_item';
import { ItemList } from '../src/item_list';
import type { IContainersModel } from '../src/model';
import type { IContainer } from '../src/rows';
import { container } from './rows';

/** A list of containers whose commands end when a test says so. */
class List extends ReactWidget {
  names = ['one', 'two', 'three'];
  changes: Partial<IContainer> = {};
  asked: string[] = [];
  end: () => void = () => undefined;

  protected render(): JSX.Element {
    const execute = (id: string) => {
      this.asked.push(id);
      return new Promise<void>(resolve => (this.end = resolve));
    };
    const model = { usage: () => undefined, cpuPercent: () => undefined } as unknown as IContainersModel;
    const trans = nullTranslator.load('ipycontainer');
    return (
      <ItemList label="Containers" empty="none">
        {this.names.map(name => (
          <ContainerItem
            key={name}
            container={container({ id: name, name, ...this.changes })}
            model={model}
            execute={execute}
            trans={trans}
          />
        ))}
      </ItemList>
    );
  }

  item(name: string): HTMLElement {
    return this.node.querySelector<HTMLElement>(`[data-container=${name}]`)!;
  }

  button(label: string): HTMLButtonElement {
    return this.node.querySelector<HTMLButtonElement>(`[aria-label="${label}"]`)!;
  }

  /** Which items the Tab key reaches. */
  get reached(): (string | undefined)[] {
    return [...this.node.querySelectorAll<HTMLElement>('li[tabindex="0"]')].map(
      item => item.dataset.container
    );
  }

  async become(...names: string[]): Promise<void> {
    this.names = names;
    this.update();
    const there = () => [...this.node.querySelectorAll('li')].map(item => item.dataset.container);
    await vi.waitFor(() => expect(there()).toEqual(names));
  }
}

let list: List;

async function opened(): Promise<List> {
  list = new List();
  Widget.attach(list, document.body);
  await list.become('one', 'two', 'three');
  return list;
}

afterEach(() => list.dispose());

describe('ItemList', () => {
  it('keeps its place at the item, whatever appears above it', async () => {
    const list = await opened();
    expect(list.reached).toEqual(['one']);
    list.button('Logs of two').focus();
    await vi.waitFor(() => expect(list.reached).toEqual(['two']));
    await list.become('new', 'one', 'two', 'three');
    expect(list.reached).toEqual(['two']);
    expect(list.button('Logs of two').tabIndex).toBe(0);
    expect(document.activeElement).toBe(list.button('Logs of two'));
  });

  it('goes on with the item that takes the place of the one that was removed', async () => {
    const list = await opened();
    list.item('two').focus();
    await list.become('one', 'three');
    expect(document.activeElement).toBe(list.item('three'));
    await vi.waitFor(() => expect(list.reached).toEqual(['three']));
    await list.become('one');
    expect(document.activeElement).toBe(list.item('one'));
  });

  it('goes on with what stands in the place of the last one that was removed', async () => {
    const list = await opened();
    await list.become('one');
    list.item('one').focus();
    await list.become();
    const empty = list.node.querySelector('.jp-ipycontainer-empty');
    expect(empty?.textContent).toBe('none');
    expect(document.activeElement).toBe(empty);
    await list.become('new');
    expect(document.activeElement).toBe(list.item('new'));
    expect(list.reached).toEqual(['new']);
  });

  it('takes the focus from nobody', async () => {
    const list = await opened();
    list.item('two').focus();
    list.item('two').blur();
    await list.become('one', 'three');
    expect(document.activeElement).toBe(document.body);
    expect(list.reached).toEqual(['three']);
  });
});

describe('ItemButton', () => {
  it('keeps the focus while it is disabled, and does nothing', async () => {
    const list = await opened();
    const stop = list.button('Stop one');
    stop.focus();
    stop.click();
    await vi.waitFor(() => expect(list.item('one').getAttribute('aria-busy')).toBe('true'));
    expect([stop.disabled, stop.getAttribute('aria-disabled')]).toEqual([false, 'true']);
    expect(document.activeElement).toBe(stop);
    stop.click();
    expect(list.asked).toEqual([CommandIDs.stop]);
    list.end();
    await vi.waitFor(() => expect(stop.getAttribute('aria-disabled')).toBe('false'));
    stop.click();
    expect(list.asked.length).toBe(2);
  });
});

describe('ContainerItem', () => {
  const buttons = async (changes: Partial<IContainer>) => {
    const list = await opened();
    list.changes = changes;
    await list.become('one');
    const found = [...list.item('one').querySelectorAll('button')];
    return found
      .filter(button => button.getAttribute('aria-disabled') !== 'true')
      .map(button => button.getAttribute('aria-label')?.split(' ')[0]);
  };

  it('offers what can be done to one that is so', async () => {
    expect(await buttons({})).toEqual(['Stop', 'Logs', 'Terminal', 'Remove']);
    list.dispose();
    expect(await buttons({ condition: 'paused' })).toEqual(['Unpause', 'Stop', 'Logs', 'Remove']);
    list.dispose();
    expect(await buttons({ condition: 'restarting' })).toEqual(['Stop', 'Logs', 'Remove']);
    list.dispose();
    expect(await buttons({ status: 'exited' })).toEqual(['Start', 'Logs', 'Remove']);
  });

  it('lets a paused one go on', async () => {
    await buttons({ condition: 'paused' });
    list.button('Unpause one').click();
    expect(list.asked).toEqual([CommandIDs.unpause]);
  });
});
