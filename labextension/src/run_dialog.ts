import { Dialog, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { IRunRequest } from './rows';

/** Asks what to run and runs it; what is refused comes back to be mended, until the person thinks better of it. */
export async function runUntilTaken(
  images: readonly string[],
  image: string | undefined,
  run: (request: IRunRequest) => Promise<unknown>,
  trans: TranslationBundle
): Promise<void> {
  const title = trans.__('Run a container');
  let wanted: IRunRequest = {
    image: image ?? images[0] ?? 'base',
    command: '',
    name: '',
    memory: '',
    cpus: '',
    remove: false
  };
  for (;;) {
    const answer = await showDialog({
      title,
      body: new RunForm(images, wanted, trans),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Run') })],
      focusNodeSelector: image === undefined ? '.jp-ipycontainer-image' : '.jp-ipycontainer-command'
    });
    if (!answer.button.accept || answer.value === null) {
      return;
    }
    wanted = answer.value;
    try {
      await run(wanted);
      return;
    } catch (error) {
      await showErrorMessage(title, error instanceof Error ? error.message : String(error));
    }
  }
}

class RunForm extends Widget implements Dialog.IBodyWidget<IRunRequest> {
  constructor(images: readonly string[], wanted: IRunRequest, trans: TranslationBundle) {
    super({ node: document.createElement('form') });
    this.addClass('jp-ipycontainer-form');
    this.node.addEventListener('submit', event => event.preventDefault());
    this._image = this._field(trans.__('Image'), wanted.image, '', 'jp-ipycontainer-image');
    const known = document.createElement('datalist');
    known.id = `ipycontainer-images-${Date.now()}`;
    images.forEach(name => known.appendChild(new Option(name)));
    this.node.appendChild(known);
    this._image.setAttribute('list', known.id);
    this._command = this._field(
      trans.__('Command'),
      wanted.command,
      trans.__("the image's own, with a terminal"),
      'jp-ipycontainer-command'
    );
    this._name = this._field(trans.__('Name'), wanted.name, trans.__('one is made up'));
    this._memory = this._field(trans.__('Memory'), wanted.memory, trans.__('no limit; 64m, 1.5g'));
    this._cpus = this._field(trans.__('CPUs'), wanted.cpus, trans.__('no limit; 0.5'));
    const label = document.createElement('label');
    label.className = 'jp-ipycontainer-check';
    this._remove = document.createElement('input');
    this._remove.type = 'checkbox';
    this._remove.checked = wanted.remove;
    label.append(this._remove, document.createTextNode(trans.__('Remove it when it has ended')));
    this.node.appendChild(label);
  }

  getValue(): IRunRequest {
    return {
      image: this._image.value,
      command: this._command.value,
      name: this._name.value,
      memory: this._memory.value,
      cpus: this._cpus.value,
      remove: this._remove.checked
    };
  }

  private _field(title: string, value: string, hint: string, className = ''): HTMLInputElement {
    const label = document.createElement('label');
    const name = document.createElement('span');
    name.textContent = title;
    const input = document.createElement('input');
    input.className = `jp-mod-styled ${className}`;
    input.type = 'text';
    input.spellcheck = false;
    input.autocomplete = 'off';
    input.value = value;
    input.placeholder = hint;
    label.append(name, input);
    this.node.appendChild(label);
    return input;
  }

  private _command: HTMLInputElement;
  private _cpus: HTMLInputElement;
  private _image: HTMLInputElement;
  private _memory: HTMLInputElement;
  private _name: HTMLInputElement;
  private _remove: HTMLInputElement;
}
