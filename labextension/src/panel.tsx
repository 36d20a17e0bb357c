import { ReactWidget, UseSignal } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import * as React from 'react';

import { showCount } from './badge';
import { CommandIDs } from './commands';
import { ContainerItem } from './container_item';
import { containerIcon } from './icons';
import { ImageItem } from './image_item';
import { ItemList } from './item_list';
import type { IContainersModel } from './model';
import { VolumeItem } from './volume_item';

/** Ages are drawn anew this often, while somebody looks; every second while one is told in seconds. */
const AGES = 30_000;
const SECOND = 1000;

/** The side bar *Containers*. */
export class ContainersPanel extends ReactWidget {
  constructor(
    private readonly _model: IContainersModel,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.id = 'ipycontainer-panel';
    this.addClass('jp-ipycontainer');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this._trans.__('Containers'));
    this.title.icon = containerIcon;
    this.title.caption = this._trans.__('Containers');
    this._count = () => {
      showCount(this.title, this._model.running.length, this._trans);
      this._age();
    };
    this._model.changed.connect(this._count);
    this._look = () => this._looked();
    document.addEventListener('visibilitychange', this._look);
  }

  dispose(): void {
    if (!this.isDisposed) {
      document.removeEventListener('visibilitychange', this._look);
      this._model.changed.disconnect(this._count);
      this._looks(false);
      super.dispose();
    }
  }

  protected onAfterShow(): void {
    this._looked();
  }

  protected onAfterHide(): void {
    this._looked();
  }

  protected onAfterAttach(message: Parameters<ReactWidget['onAfterAttach']>[0]): void {
    super.onAfterAttach(message);
    this._looked();
  }

  protected onBeforeDetach(message: Parameters<ReactWidget['onBeforeDetach']>[0]): void {
    this._looks(false);
    super.onBeforeDetach(message);
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._model.changed}>
        {() => <Content model={this._model} commands={this._commands} trans={this._trans} />}
      </UseSignal>
    );
  }

  /** Figures and ages cost something only while somebody can see them. */
  private _looked(): void {
    this._looks(this.isVisible && !document.hidden);
  }

  private _looks(looks: boolean): void {
    if (looks && this._usage === null) {
      this._usage = this._model.watchUsage();
      this.update();
      this._age();
    } else if (!looks && this._usage !== null) {
      this._usage.dispose();
      this._usage = null;
      window.clearTimeout(this._ages);
    }
  }

  private _age(): void {
    window.clearTimeout(this._ages);
    if (this._usage === null) {
      return;
    }
    const minuteAgo = Date.now() / 1000 - 60;
    const { containers, images, volumes } = this._model;
    const young = [...containers, ...images, ...volumes].some(one => one.created > minuteAgo);
    const fresh = containers.some(one => Math.max(one.started, one.finished) > minuteAgo);
    this._ages = window.setTimeout(
      () => {
        this.update();
        this._age();
      },
      young || fresh ? SECOND : AGES
    );
  }

  private _ages: number | undefined;
  private _count: () => void;
  private _look: () => void;
  private _usage: IDisposable | null = null;
}

interface IContent {
  readonly model: IContainersModel;
  readonly commands: CommandRegistry;
  readonly trans: TranslationBundle;
}

function Content({ model, commands, trans }: IContent): JSX.Element {
  const execute = (id: string, args: { readonly [name: string]: string } = {}) => commands.execute(id, args);
  return (
    <>
      <div className="jp-ipycontainer-header">
        <h2>{trans.__('Containers')}</h2>
        <button
          className="jp-ipycontainer-button"
          title={trans.__('Run a container…')}
          aria-label={trans.__('Run a container')}
          onClick={() => void execute(CommandIDs.run)}
        >
          <runIcon.react tag="span" />
        </button>
      </div>
      <Problem model={model} trans={trans} onDoctor={() => void execute(CommandIDs.doctor)} />
      {model.ready && (
        <>
          <ItemList label={trans.__('Containers')} empty={<NoContainers trans={trans} />}>
            {model.containers.map(one => (
              <ContainerItem key={one.id} container={one} model={model} execute={execute} trans={trans} />
            ))}
          </ItemList>
          <h2>{trans.__('Images')}</h2>
          <ItemList label={trans.__('Images')} empty={<NoImages trans={trans} />}>
            {model.images.map(one => (
              <ImageItem key={one.id} image={one} execute={execute} trans={trans} />
            ))}
          </ItemList>
          <h2>{trans.__('Volumes')}</h2>
          <ItemList label={trans.__('Volumes')} empty={<NoVolumes trans={trans} />}>
            {model.volumes.map(one => (
              <VolumeItem key={one.id} volume={one} execute={execute} trans={trans} />
            ))}
          </ItemList>
        </>
      )}
    </>
  );
}

function Problem({
  model,
  trans,
  onDoctor
}: {
  model: IContainersModel;
  trans: TranslationBundle;
  onDoctor: () => void;
}): JSX.Element {
  return (
    <div className="jp-ipycontainer-problem" role="alert" hidden={model.problem === ''}>
      {model.problem !== '' && (
        <>
          <p>{model.problem}</p>
          {model.ready && (
            <button className="jp-ipycontainer-link" onClick={onDoctor}>
              {trans.__('What does this machine allow?')}
            </button>
          )}
        </>
      )}
    </div>
  );
}

function NoContainers({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <>
      {trans.__('No containers yet. In a notebook:')}
      <code>%load_ext ipycontainer</code>
      <code>%container run -d --name box base sleep 1000</code>
    </>
  );
}

function NoImages({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <>
      {trans.__('No images yet. The image base is made from this machine’s own files when it is first run.')}
    </>
  );
}

function NoVolumes({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <>
      {trans.__('No volumes yet. What is to outlive a container goes into one:')}
      <code>%container run --rm -v data:/srv base touch /srv/kept</code>
    </>
  );
}
